// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Runtime.InteropServices;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Wayland;

/// <summary>Our client against a real compositor without a screen: weston 10, drawing with the CPU.</summary>
[Collection(Descriptors.Name)]
public sealed class WestonTests : IXdgSurfaceListener, IXdgToplevelListener, IXdgWmBaseListener, IWlCallbackListener, IWestonScreenshooterListener
{
    private const int Width = 320;
    private const int Height = 200;
    private const int SizeBytes = Width * Height * 4;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(20);

    private (int Width, int Height) _size;
    private bool _isConfigured;
    private int _frames;
    private bool _isShot;

    [Fact]
    public void The_screen_shows_exactly_what_was_drawn()
    {
        var folder = Directory.CreateTempSubdirectory("gs-weston").FullName;
        using var leaks = new FdLeakCheck();
        using var weston = Start(folder);
        try
        {
            using var connection = Connect(weston, Path.Combine(folder, "wayland-test"));
            var globals = new WaylandGlobals(connection);
            connection.Roundtrip(s_timeout);
            if (globals.Find("weston_screenshooter") is null)
                Assert.Skip("this weston has another screenshot protocol than version 10");
            using var drawn = Draw();
            using var seen = MemFdHandle.TryCreateSealed("seen", SizeBytes, out _)!;
            Show(connection, globals, drawn);
            var shooter = globals.Require<WestonScreenshooter>();
            shooter.Listener = this;
            shooter.Shoot(globals.Require<WlOutput>(), Buffer(globals, seen));
            Assert.True(connection.TryWait(this, static test => test._isShot, s_timeout));
            Assert.Equal(Pixels(drawn), Pixels(seen));
        }
        finally
        {
            weston.Kill();
            weston.WaitForExit();
            Directory.Delete(folder, recursive: true);
        }
    }

    void IXdgWmBaseListener.OnPing(XdgWmBase sender, uint serial) => sender.Pong(serial);

    void IXdgToplevelListener.OnConfigure(XdgToplevel sender, int width, int height, ReadOnlySpan<byte> states) => _size = (width, height);

    void IXdgSurfaceListener.OnConfigure(XdgSurface sender, uint serial)
    {
        sender.AckConfigure(serial);
        _isConfigured = true;
    }

    void IWlCallbackListener.OnDone(WlCallback sender, uint callbackData) => _frames++;

    void IWestonScreenshooterListener.OnDone(WestonScreenshooter sender) => _isShot = true;

    private static Process Start(string folder)
    {
        // Without these it fades in, and the first screenshots are darker. The kiosk shell would be simpler but raises nothing without a seat.
        File.WriteAllText($"{folder}/weston.ini", "[shell]\nstartup-animation=none\nanimation=none\npanel-position=none\n");

        // --debug lets any client take screenshots.
        var start = new ProcessStartInfo(
            "weston", $"--debug --config={folder}/weston.ini --backend=headless-backend.so --use-pixman --idle-time=0 --width={Width} --height={Height} --socket=wayland-test --log={folder}/log");
        start.Environment["XDG_RUNTIME_DIR"] = folder;
        start.Environment.Remove("WAYLAND_DISPLAY");
        start.Environment.Remove("DISPLAY");
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("weston isn't installed");
            throw;
        }
    }

    private static WaylandConnection Connect(Process weston, string path)
    {
        for (var watch = Stopwatch.StartNew(); ; Thread.Sleep(20))
        {
            try
            {
                return WaylandConnection.Connect(path);
            }
            catch (SyscallException) when (watch.Elapsed < s_timeout && !weston.HasExited)
            {
                // It is still starting: there is nothing to wait on but its socket.
            }
        }
    }

    private static WlBuffer Buffer(WaylandGlobals globals, MemFdHandle memory)
    {
        var pool = globals.Require<WlShm>().CreatePool(memory, SizeBytes);
        var buffer = pool.CreateBuffer(0, Width, Height, Width * 4, WlShmFormat.Xrgb8888);
        pool.Destroy();
        return buffer;
    }

    private static unsafe MemFdHandle Draw()
    {
        var memory = MemFdHandle.TryCreateSealed("drawn", SizeBytes, out _)!;
        var pixels = new uint[Width * Height];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = 0xFF00_0000 | ((uint)i * 2654435761u >> 8);
        fixed (uint* p = pixels)
            Assert.Equal(SizeBytes, LibC.pwrite(memory, p, SizeBytes, 0));
        return memory;
    }

    private static unsafe uint[] Pixels(MemFdHandle memory)
    {
        var pixels = new uint[Width * Height];
        fixed (uint* p = pixels)
            Assert.Equal(SizeBytes, LibC.pread(memory, p, SizeBytes, 0));
        return Array.ConvertAll(pixels, pixel => pixel & 0xFF_FFFF);
    }

    private void Show(WaylandConnection connection, WaylandGlobals globals, MemFdHandle memory)
    {
        var surface = globals.Require<WlCompositor>().CreateSurface();
        var wmBase = globals.Require<XdgWmBase>();
        wmBase.Listener = this;
        var xdgSurface = wmBase.GetXdgSurface(surface);
        xdgSurface.Listener = this;
        var toplevel = xdgSurface.GetToplevel();
        toplevel.Listener = this;
        toplevel.SetFullscreen(null);
        surface.Commit();
        Assert.True(connection.TryWait(this, static test => test._isConfigured, s_timeout));
        Assert.Equal((Width, Height), _size);
        var buffer = Buffer(globals, memory);
        var callback = new WlCallback { Listener = this };

        // Two frames: the first callback may come before the first repaint.
        for (var frame = 1; frame <= 2; frame++)
        {
            surface.Attach(buffer, 0, 0);
            surface.DamageBuffer(0, 0, Width, Height);
            surface.Frame(callback);
            surface.Commit();
            Assert.True(connection.TryWait((this, frame), static s => s.Item1._frames == s.frame, s_timeout));
        }
    }
}
