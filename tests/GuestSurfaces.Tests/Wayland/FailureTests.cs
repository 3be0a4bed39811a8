// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;
using Xunit;

namespace GuestSurfaces.Tests.Wayland;

[Collection(Alone.Name)]
public sealed class FailureTests : Conversation
{
    [Fact]
    public void A_protocol_error_names_interface_code_and_message_and_is_reported_once()
    {
        var surface = Globals.Require<WlCompositor>().CreateSurface();
        Pump();
        Compositor.Surfaces[0].Resource.PostError((uint)WlSurfaceError.InvalidSize, "odd size");
        Pump();
        Pump();
        var failure = Assert.Single(Failures);
        Assert.Equal(WaylandFailureKind.ProtocolError, failure.Kind);
        Assert.Equal(new ProtocolError("wl_surface", surface.Id, 2, "odd size"), failure.Error);
    }

    [Fact]
    public void After_a_failure_everything_is_a_no_op()
    {
        var compositor = Globals.Require<WlCompositor>();
        var surface = compositor.CreateSurface();
        Pump();
        Compositor.Surfaces[0].Resource.PostError(0, "end");
        Pump();
        using var memory = MemFd(4096);
        surface.Attach(null, 0, 0);
        var callback = surface.Frame();
        surface.Commit();
        var pool = Globals.Require<WlShm>().CreatePool(memory, 4096);
        var buffer = pool.CreateBuffer(0, 4, 4, 16, WlShmFormat.Xrgb8888);
        surface.Attach(buffer, 0, 0);
        buffer.Destroy();
        surface.Destroy();
        Assert.False(callback.IsAlive);
        Assert.False(Connection.Flush());
        Assert.False(Connection.Dispatch());
        Assert.False(Connection.WantsWrite);
        Assert.Throws<WaylandException>(() => Connection.Roundtrip(TimeSpan.FromSeconds(1)));
        Assert.Single(Failures);
    }

    [Fact]
    public void A_compositor_that_goes_away_is_noticed()
    {
        Compositor.Dispose();
        Connection.Dispatch();
        Assert.Equal(WaylandFailureKind.Closed, Assert.Single(Failures).Kind);
    }

    [Fact]
    public void The_error_is_still_read_when_sending_fails_first()
    {
        var surface = Globals.Require<WlCompositor>().CreateSurface();
        Pump();
        Compositor.Surfaces[0].Resource.PostError(0, "the reason");
        Compositor.Server.Dispatch();
        surface.Commit();
        Assert.True(Connection.Flush());
        Connection.Dispatch();
        Assert.Equal("the reason", Assert.Single(Failures).Error!.Message);
    }

    [Fact]
    public void A_disposed_connection_reports_nothing()
    {
        var surface = Globals.Require<WlCompositor>().CreateSurface();
        Connection.Dispose();
        surface.Commit();
        surface.Destroy();
        Assert.False(Connection.Dispatch());
        Assert.Empty(Failures);
    }

    [Fact]
    public void A_compositor_that_does_not_answer_times_out() =>
        Assert.Throws<TimeoutException>(() => Connection.Roundtrip(TimeSpan.FromMilliseconds(20)));

    [Fact]
    public void A_compositor_that_does_not_read_is_waited_for_up_to_a_bound()
    {
        var surface = Globals.Require<WlCompositor>().CreateSurface();
        var wanted = false;
        for (var i = 0; i < 2_000_000 && Connection.Failure is null; i++)
        {
            surface.Commit();
            wanted |= Connection.WantsWrite;
        }

        Assert.True(wanted);
        Assert.Equal(WaylandFailureKind.Overflow, Connection.Failure!.Kind);
        Connection.Dispatch();
        Assert.Single(Failures);
    }

    [Fact]
    public void What_did_not_fit_the_socket_is_sent_later()
    {
        var surface = Globals.Require<WlCompositor>().CreateSurface();
        Pump();
        const int commits = 40_000;
        for (var i = 0; i < commits; i++)
            surface.Commit();
        Connection.Flush();
        Assert.True(Connection.WantsWrite);
        for (var i = 0; i < 200 && Compositor.Surfaces[0].Commits < commits; i++)
            Pump();
        Assert.Equal(commits, Compositor.Surfaces[0].Commits);
        Assert.False(Connection.WantsWrite);
    }

    [Theory]
    [InlineData(1, 0x0004_0000, nameof(WireError.TooShort))]
    [InlineData(1, 0x1004_0001, nameof(WireError.TooLong))]
    [InlineData(1, 0x000e_0001, nameof(WireError.Misaligned))]
    [InlineData(1, 0x0008_0001, nameof(WireError.Truncated))]
    [InlineData(1, 0x0010_0001, nameof(WireError.TrailingBytes))]
    [InlineData(1, 0x000c_0009, nameof(WireError.UnknownOpcode))]
    [InlineData(99, 0x000c_0000, nameof(WireError.UnknownObject))]
    public void A_malformed_event_ends_the_connection(uint id, uint word, string expected)
    {
        var (ours, theirs) = UnixSocketHandle.CreatePair(nonBlocking: true);
        using var peer = theirs;
        using var connection = new WaylandConnection(ours);
        var message = new byte[32];
        BinaryPrimitives.WriteUInt32LittleEndian(message, id);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(4), word);
        peer.Send(message.AsSpan(0, (int)Math.Min(Math.Max(word >> 16, 8), 32)), default, out _);
        Assert.False(connection.Dispatch());
        Assert.Equal(WaylandFailureKind.Malformed, connection.Failure!.Kind);
        Assert.EndsWith(expected, connection.Failure.Message);
    }

    [Fact]
    public void A_message_may_come_byte_by_byte()
    {
        var (ours, theirs) = UnixSocketHandle.CreatePair(nonBlocking: true);
        using var peer = theirs;
        using var connection = new WaylandConnection(ours);
        var callback = connection.Display.Sync();
        var message = new byte[12];
        var writer = new WireWriter(message, callback.Id, 0);
        writer.WriteUInt(5);
        Assert.Equal(WireError.None, writer.Finish(out _));
        foreach (var one in message)
        {
            Assert.True(callback.IsAlive);
            peer.Send([one], default, out _);
            Assert.True(connection.Dispatch());
        }

        Assert.False(callback.IsAlive);
    }

    [Fact]
    public void Stray_descriptors_are_closed_with_the_connection_and_bounded_before()
    {
        var (ours, theirs) = UnixSocketHandle.CreatePair(nonBlocking: true);
        using var peer = theirs;
        using var connection = new WaylandConnection(ours);
        var callback = connection.Display.Sync();
        using var memory = MemFd(4096);
        var fds = Enumerable.Repeat<FdHandle>(memory, UnixSocketHandle.MaxFds).ToArray();
        var sends = 0;
        for (; sends < 100 && connection.Failure is null; sends++)
        {
            peer.Send(new byte[1], fds, out _);
            connection.Dispatch();
        }

        Assert.True(callback.IsAlive);
        Assert.InRange(sends, 2, 40);
        Assert.Equal(WaylandFailureKind.Malformed, connection.Failure!.Kind);
    }

    [Fact]
    public void Closing_with_descriptors_in_both_queues_leaks_none()
    {
        using (new FdLeakCheck())
        {
            var (ours, theirs) = UnixSocketHandle.CreatePair(nonBlocking: true);
            using var peer = theirs;
            using var connection = new WaylandConnection(ours);
            var shm = new WlShm();
            connection.Display.GetRegistry().Bind(1, shm, 1);
            using var memory = MemFd(4096);
            for (var i = 0; i < 50; i++)
                shm.CreatePool(memory, 4096);
            peer.Send(new byte[4], [memory, memory], out _);
            connection.Dispatch();
        }
    }

    [Fact]
    public void A_request_that_was_given_up_half_way_sends_nothing()
    {
        var parameters = Globals.Require<ZwpLinuxDmabufV1>().CreateParams();
        using var memory = MemFd(4096);
        var closed = MemFd(4096);
        closed.Dispose();
        Assert.ThrowsAny<Exception>(() => parameters.Add(closed, 0, 0, 64, 0, 0));
        Assert.Throws<ArgumentException>(() => Globals.Require<XdgWmBase>().GetXdgSurface(Globals.Require<WlCompositor>().CreateSurface()).GetToplevel().SetTitle(new string('x', 5000)));
        parameters.Add(memory, 0, 0, 64, 0, 0);
        Pump();
        Assert.Equal(1, Compositor.ReceivedFds);
        Assert.Null(Connection.Failure);
    }

    [Fact]
    public void The_server_answers_each_kind_of_bad_request_with_its_error()
    {
        Assert.Equal(("wl_display", (uint)WlDisplayError.InvalidObject), ErrorAfter(static send => send(77, 0, [])));
        Assert.Equal(("wl_display", (uint)WlDisplayError.InvalidMethod), ErrorAfter(static send => send(1, 9, [])));
        Assert.Equal(("wl_display", (uint)WlDisplayError.InvalidMethod), ErrorAfter(static send => send(1, 0, [])));
        Assert.Equal(("wl_display", (uint)WlDisplayError.InvalidObject), ErrorAfter(static send => send(1, 0, [9])));
        Assert.Equal(("wl_display", (uint)WlDisplayError.InvalidObject), ErrorAfter(static send => send(1, 0, [1])));
        Assert.Equal(("wl_display", (uint)WlDisplayError.InvalidObject), ErrorAfter(static send => send(1, 0, [WireLimits.FirstServerId])));
    }

    private (string, uint) ErrorAfter(Action<Action<uint, int, uint[]>> act)
    {
        var (ours, theirs) = UnixSocketHandle.CreatePair(nonBlocking: true);
        using var connection = new WaylandConnection(ours);
        Compositor.Server.AddClient(theirs);
        act((id, opcode, words) =>
        {
            var writer = connection.Begin(id, opcode);
            foreach (var word in words)
                writer.WriteUInt(word);
            connection.End(ref writer);
        });
        connection.Flush();
        Compositor.Server.Dispatch();
        connection.Dispatch();
        var error = connection.Failure!.Error!;
        return (error.Interface, error.Code);
    }
}
