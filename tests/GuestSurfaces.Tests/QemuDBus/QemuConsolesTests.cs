// SPDX-License-Identifier: MIT
using System.Text;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using GuestSurfaces.Transports.QemuDBus;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GuestSurfaces.Tests.QemuDBus;

/// <summary>QEMU is told about monitors over a monitor and a D-Bus display that a test plays, byte by byte.</summary>
public sealed class QemuConsolesTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gs-qmp");
    private readonly EventLoop _loop = new();
    private readonly QemuConsoles _consoles;
    private readonly byte[] _bytes = new byte[4096];

    public QemuConsolesTests() => _consoles = new QemuConsoles(_loop, MonitorPath, NullLogger.Instance);

    private string MonitorPath => Path.Combine(_folder.FullName, "qmp.sock");

    public void Dispose()
    {
        _consoles.Dispose();
        _loop.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public void The_newest_mode_of_each_head_reaches_the_console_that_shows_it()
    {
        using var listener = UnixSocketHandle.Listen(MonitorPath);
        _consoles.SetMode(0, Mode(800, 600));
        _consoles.SetMode(0, Mode(1024, 700));
        _consoles.SetMode(1, default);
        using var display = HandOver(listener);
        Assert.Equal($"\0AUTH EXTERNAL {Convert.ToHexString(Encoding.ASCII.GetBytes($"{ThisProcess.UserId}"))}\r\n", Heard(display));
        Say(display, "OK 0123456789abcdef\r\n");
        var said = Encoding.Latin1.GetBytes(Heard(display));
        Assert.StartsWith("BEGIN\r\n", Encoding.Latin1.GetString(said), StringComparison.Ordinal);

        // What QEMU 7.2's D-Bus display has taken from another client.
        var golden = Convert.FromHexString(
            "6C01000114000000010000007400000001016F001C0000002F6F72672F71656D752F446973706C6179312F436F6E736F6C655F300000000002017300"
            + "190000006F72672E71656D752E446973706C6179312E436F6E736F6C650000000000000003017300090000005365745549496E666F00000000000000"
            + "080167000671716969757500000000002C01C800010000000000000000040000BC020000");
        var call = said.AsSpan(7);
        Assert.Equal(golden, call[..golden.Length].ToArray());
        Assert.Equal(new byte[16], call[^16..].ToArray()); // the other head is unplugged

        // Its answers are read, and a later mode goes the same way.
        Say(display, Encoding.Latin1.GetString(Convert.FromHexString("6C02010100000000010000001000000008016700000000000501750001000000")));
        _consoles.SetMode(0, Mode(640, 480));
        Assert.Contains("SetUIInfo", Heard(display), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("REJECTED EXTERNAL\r\n")]
    [InlineData("OK 0\r\nBnonsense that is no message of any kind")]
    public void A_display_that_refuses_or_talks_nonsense_is_left_alone(string answer)
    {
        using var listener = UnixSocketHandle.Listen(MonitorPath);
        _consoles.SetMode(0, Mode(800, 600));
        using var display = HandOver(listener);
        _ = Heard(display);
        Say(display, answer);
        Run();
        while (display.Receive(_bytes, [], out var received, out _, wait: false) == Errno.None && received > 0)
        {
        }

        Assert.Equal(Errno.None, display.Receive(_bytes, [], out var end, out _, wait: false));
        Assert.Equal(0, end);
        _consoles.SetMode(0, Mode(640, 480)); // and nothing happens
        Run();
    }

    [Fact]
    public void Heads_of_messages_that_a_peer_makes_up_are_read_within_bounds()
    {
        var good = DBusMessage.Call(7, "/a", "b.c", "D", "u", [1, 2, 3, 4]);
        Assert.True(DBusMessage.TryReadHead(good, out var head));
        Assert.Equal(new DBusHead(DBusMessageType.MethodCall, good.Length, string.Empty), head);
        Assert.True(DBusMessage.TryReadHead(good.AsSpan(0, good.Length - 1), out head));
        Assert.Null(head);
        var random = new Random(5);
        for (var i = 0; i < 100_000; i++)
        {
            var bytes = good.ToArray();
            for (var k = random.Next(1, 5); k > 0; k--)
                bytes[random.Next(bytes.Length)] = (byte)(random.Next(2) == 0 ? random.Next(256) : 255);
            if (DBusMessage.TryReadHead(bytes.AsSpan(0, random.Next(bytes.Length + 1)), out head) && head is { } read)
                Assert.InRange(read.TotalBytes, 16, bytes.Length);
        }
    }

    private static OutputMode Mode(int width, int height) => new(new BufferSize(width, height), 60_000, 300, 200, Enabled: true);

    private static string Hex(string text) => Convert.ToHexString(Encoding.ASCII.GetBytes(text));

    /// <summary>Plays QEMU's monitor.</summary>
    /// <returns>The socket that it was given for the display.</returns>
    private UnixSocketHandle HandOver(UnixSocketHandle listener)
    {
        using var monitor = listener.TryAccept(out _)!;
        Say(monitor, "{\"QMP\":{}}\r\n");
        Assert.Contains("qmp_capabilities", Heard(monitor), StringComparison.Ordinal);
        Say(monitor, "{\"return\":{}}\r\n{\"event\":\"RESUME\"}\r\n");
        Run();
        var fds = new ReceivedFd?[UnixSocketHandle.MaxFds];
        Assert.Equal(Errno.None, monitor.Receive(_bytes, fds, out var received, out var count, wait: false));
        Assert.Contains("getfd", Encoding.ASCII.GetString(_bytes, 0, received), StringComparison.Ordinal);
        Assert.Equal(1, count);
        Say(monitor, "{\"return\":{}}\r\n");
        Assert.Contains("@dbus-display", Heard(monitor), StringComparison.Ordinal);
        Say(monitor, "{\"return\":{}}\r\n");
        Run();
        return fds[0]!.Take<UnixSocketHandle>();
    }

    private void Run()
    {
        for (var i = 0; i < 10; i++)
            _ = _loop.RunOnce(0);
    }

    private string Heard(UnixSocketHandle socket)
    {
        Run();
        Assert.Equal(Errno.None, socket.Receive(_bytes, [], out var received, out _, wait: false));
        return Encoding.Latin1.GetString(_bytes, 0, received);
    }

    private static void Say(UnixSocketHandle socket, string text) => Assert.Equal(Errno.None, socket.Send(Encoding.Latin1.GetBytes(text), [], out _));
}
