// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Transports.VhostUser;
using Xunit;

namespace GuestSurfaces.Tests.VhostUser;

/// <summary>The listening side: one front-end at a time, again and again.</summary>
public sealed class ServerTests
{
    [Fact]
    public void A_second_front_end_waits_until_the_first_is_gone()
    {
        var path = Path.Combine(Path.GetTempPath(), $"gs-vhost-{Environment.ProcessId}-second.sock");
        using var loop = new EventLoop();
        using var server = VhostUserServer.Listen(loop, path, new StubDevice());
        var (connected, gone) = (0, 0);
        server.FrontendConnected += () => connected++;
        server.FrontendGone += () => gone++;
        using var first = new FakeFrontend(UnixSocketHandle.Connect(path), () => Pump(loop));
        Assert.Equal(2UL, first.Ask(17));
        using var second = new FakeFrontend(UnixSocketHandle.Connect(path), () => Pump(loop));
        second.Send(17, []);
        Assert.Null(second.TryReceive(17));
        Assert.Equal((1, 0), (connected, gone));
        first.Dispose();
        Pump(loop);
        Assert.NotNull(second.TryReceive(17));
        Assert.Equal((2, 1), (connected, gone));
        Assert.True(server.IsConnected);
    }

    [Fact]
    public void An_inherited_socket_is_served_once()
    {
        using var bed = new TestBed();
        var gone = 0;
        bed.Server.FrontendGone += () => gone++;
        bed.Frontend.Socket.ShutDown();
        bed.Pump();
        Assert.Equal(1, gone);
        Assert.False(bed.Server.IsConnected);
    }

    [Fact]
    public void The_owner_may_end_the_server_from_the_event()
    {
        using var bed = new TestBed();
        bed.Server.FrontendGone += bed.Server.Dispose;
        bed.Start();
        bed.Frontend.Send(2, [1]);
        Assert.True(bed.Frontend.IsClosed);
    }

    [Fact]
    public void An_inherited_descriptor_that_is_no_socket_is_an_error_of_the_set_up()
    {
        using var loop = new EventLoop();
        using var file = FakeRam.Create(4096);
        Assert.Throws<SyscallException>(() => VhostUserServer.Serve(loop, file.Duplicate<UnixSocketHandle>(), new StubDevice()));
    }

    [Fact]
    public void A_socket_file_left_by_a_dead_server_is_replaced_and_a_living_one_is_not()
    {
        var path = Path.Combine(Path.GetTempPath(), $"gs-vhost-{Environment.ProcessId}-left.sock");
        UnixSocketHandle.Listen(path).Dispose();
        Assert.True(File.Exists(path));
        using var loop = new EventLoop();
        using (VhostUserServer.Listen(loop, path, new StubDevice()))
        {
            var thrown = Assert.Throws<SyscallException>(() => VhostUserServer.Listen(loop, path, new StubDevice()));
            Assert.Equal(Errno.EEXIST, thrown.Errno);
            Assert.True(File.Exists(path));
        }

        Assert.False(File.Exists(path));
    }

    private static void Pump(EventLoop loop)
    {
        for (var i = 0; i < 6; i++)
            loop.RunOnce(0);
    }
}
