// SPDX-License-Identifier: MIT
using System.Diagnostics;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Wayland;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;
using Xunit;

namespace GuestSurfaces.Tests.Wayland;

/// <summary>libwayland's client against our server.</summary>
[Collection(Alone.Name)]
public sealed class LibwaylandClientTests
{
    private const int TimeoutMs = 20_000;

    [Fact]
    public void A_window_shows_five_hundred_frames_and_hears_its_keyboard() => Assert.Equal(
        ["formats 2", "size 0x0, 0 states", "configured", "frames 500 releases 499", "keymap 1 'xkb'", "enter with 8 bytes of keys", "repeat 25 600", "last error 0"], Converse("window"));

    [Fact]
    public void Imports_succeed_also_for_parameters_that_are_gone()
    {
        var lines = Converse("dmabuf");
        Assert.Equal(20, lines.Count(line => line == "created a server-made buffer: yes"));
        Assert.Equal("last error 0", lines[^1]);
    }

    [Fact]
    public void A_protocol_error_arrives_with_interface_and_code() =>
        Assert.Equal(["formats 2", "error 3 on zwp_linux_buffer_params_v1", "last error 71"], Converse("error"));

    private static string[] Converse(string scenario)
    {
        var program = NativePeer.Build("wayland-client-peer", "client", "xdg-shell", "linux-dmabuf-v1");
        using var leaks = new FdLeakCheck();
        var folder = Directory.CreateTempSubdirectory("gs-wl").FullName;
        var path = Path.Combine(folder, "wayland-test");
        using var compositor = new LenientCompositor();
        compositor.Server.AddGlobal<WlSeatResource>(8, seat => seat.Handler = new Seat(compositor));
        using var listening = UnixSocketHandle.Listen(path);
        var start = new ProcessStartInfo(program, scenario) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["WAYLAND_DISPLAY"] = path;
        using var epoll = EpollHandle.Create();
        Assert.Equal(Errno.None, epoll.Add(listening, EpollEvents.In, 0));
        string[] lines;
        using (var process = Process.Start(start)!)
        {
            var output = process.StandardOutput.ReadToEndAsync();
            Serve(compositor, listening, epoll);
            Assert.True(process.WaitForExit(TimeoutMs));
            Assert.True(process.ExitCode == 0, process.StandardError.ReadToEnd());
            lines = output.GetAwaiter().GetResult().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }

        Directory.Delete(folder, recursive: true);
        return lines;
    }

    /// <summary>Until the one client has come and gone.</summary>
    private static void Serve(LenientCompositor compositor, UnixSocketHandle listening, EpollHandle epoll)
    {
        Span<EpollResult> results = stackalloc EpollResult[4];
        var client = default(WaylandServerClient);
        while (client is null || compositor.Server.Clients.Count != 0)
        {
            Assert.True(epoll.Wait(results, TimeoutMs) > 0, "the libwayland client is stuck");
            if (client is null && listening.TryAccept(out _) is { } socket)
            {
                client = compositor.Server.AddClient(socket);
                Assert.Equal(Errno.None, epoll.Add(client.Fd, EpollEvents.In, 1));
                Assert.Equal(Errno.None, epoll.Remove(listening));
            }

            compositor.Server.Dispatch();
            compositor.LatchAll();
            compositor.Server.Flush(); // not Dispatch: a commit read here would wait for a wake-up that has been used up
        }
    }

    private sealed class Seat(LenientCompositor compositor) : IWlSeatRequests
    {
        public unsafe void OnGetKeyboard(WlSeatResource sender, WlKeyboardResource id)
        {
            using var keymap = MemFdHandle.TryCreateSealed("keymap", 4, out _)!;
            fixed (byte* text = "xkb\0"u8)
                Assert.Equal(4, LibC.pwrite(keymap, text, 4, 0));
            id.SendKeymap(WlKeyboardKeymapFormat.XkbV1, keymap, 4);
            id.SendEnter(1, compositor.Surfaces[0].Resource, [30, 0, 0, 0, 48, 0, 0, 0]);
            id.SendRepeatInfo(25, 600);
        }
    }
}
