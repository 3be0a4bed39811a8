// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Fuzzing;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Transports.VhostUser;
using Xunit;

namespace GuestSurfaces.Tests.VhostUser;

/// <summary>
/// Any byte stream against the real state machine, without a socket. Descriptors come as the message wants them, unless bits 8 to 10 of its flags
/// (which the protocol leaves unused) say otherwise; bit 11 kicks afterwards.
/// </summary>
public static class VhostUserFuzz
{
    private const ulong RamBytes = 64 * 1024;
    private static readonly EventLoop s_loop = new();
    private static readonly MemFdHandle s_ram = FakeRam.Create(RamBytes);
    private static readonly MemFdHandle s_unsealed = FakeRam.Create(RamBytes, FileSeals.None);

    public static void Run(ReadOnlySpan<byte> input) => _ = RunOn(input);

    /// <summary>Runs one input.</summary>
    /// <returns>How many queues were started: the proof that an input gets anywhere.</returns>
    public static int RunOn(ReadOnlySpan<byte> input)
    {
        var device = new StubDevice { Hold = input.Length % 3 == 0 };
        using var host = new VhostUserHost(s_loop.Timers);
        device.Attach(host);
        using var even = EventFdHandle.Create();
        using var odd = EventFdHandle.Create();
        using (var session = new VhostUserSession(s_loop, device, host, new VhostUserOptions { Limits = new Limits { MaxMemoryRegions = 16 } }, new BoundedLog(new ListLogger())))
        {
            session.Failed = e => throw new InvalidOperationException("the device failed", e);
            Converse(session, even, odd, input);
            if (input.Length % 2 == 0)
                host.NotifyConfigChanged();
            s_loop.RunOnce(0);
        }

        Assert.Empty(host.Memory.Regions);
        Assert.False(device.IsRunning(0) || device.IsRunning(1));
        Assert.Equal(0, device.Held);
        return device.Starts;
    }

    private static void Converse(VhostUserSession session, EventFdHandle even, EventFdHandle odd, ReadOnlySpan<byte> input)
    {
        var message = new MessageAssembler();
        var reply = new Reply();
        while (!input.IsEmpty)
        {
            var n = Math.Min(input.Length, message.Room.Length);
            input[..n].CopyTo(message.Room);
            input = input[n..];
            var state = message.Advance(n);
            if (state == AssemblyState.Malformed)
                break;
            if (state == AssemblyState.Incomplete)
                continue;
            var header = message.Header;
            AddFds(message, message.Payload.Length > 0 && (message.Payload[0] & 1) != 0 ? odd : even);
            var why = session.Handle(in header, message.Payload, message.Fds, reply);
            message.Clear();
            Assert.True(reply.Length is 0 or (>= 12 and <= 280));
            if (why is not null)
            {
                Assert.NotEmpty(why);
                break;
            }

            if ((header.Flags & 0x800) != 0)
            {
                Assert.Equal((Errno.None, Errno.None), (even.Signal(), odd.Signal()));
                s_loop.RunOnce(0);
            }
        }

        message.Clear();
    }

    private static void AddFds(MessageAssembler message, EventFdHandle kick)
    {
        var header = message.Header;
        var wanted = header.Request switch
        {
            5 => message.Payload.Length >= 4 ? (int)Math.Min(BitConverter.ToUInt32(message.Payload), 8) : 0,
            12 or 13 or 14 => message.Payload.Length >= 2 && (message.Payload[1] & 1) != 0 ? 0 : 1,
            21 or 33 or 37 => 1,
            _ => 0,
        };
        var twist = (header.Flags >> 8) & 7;
        wanted = twist switch
        {
            1 => 0,
            2 => Math.Min(wanted + 1, 8),
            _ => wanted,
        };
        for (var i = 0; i < wanted; i++)
        {
            message.Fds.Room[0] = (header.Request, twist) switch
            {
                (_, 3) => s_unsealed.Duplicate<ReceivedFd>(),
                (5 or 37, not 4) => s_ram.Duplicate<ReceivedFd>(),
                (21 or 33, _) => Socket(),
                _ => kick.Duplicate<ReceivedFd>(),
            };
            message.Fds.Added(1);
        }
    }

    private static ReceivedFd Socket()
    {
        var (a, b) = UnixSocketHandle.CreatePair(nonBlocking: true);
        b.Dispose();
        var fd = a.Duplicate<ReceivedFd>();
        a.Dispose();
        return fd;
    }
}

/// <summary>Replays and mutates the corpus.</summary>
public sealed class VhostUserFuzzTests
{
    [Fact]
    public void Corpus_and_its_mutations_end_no_process_and_leave_nothing_running() => Assert.InRange(FuzzRun.Run("vhost-user", 8192, VhostUserFuzz.Run), 10, int.MaxValue);

    [Theory]
    [InlineData("qemu-start", 2)]
    [InlineData("qemu-reset", 4)]
    [InlineData("slots", 1)]
    [InlineData("crosvm", 0)]
    public void The_seeds_get_as_far_as_their_rings(string seed, int starts) => Assert.Equal(starts, VhostUserFuzz.RunOn(FuzzRun.Seed("vhost-user", seed)));
}
