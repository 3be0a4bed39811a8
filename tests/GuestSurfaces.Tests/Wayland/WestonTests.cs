// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Testing.Screenshots;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Wayland;

/// <summary>Our client against a real compositor without a screen: weston 10, drawing with the CPU.</summary>
[Collection(Alone.Name)]
public sealed class WestonTests : IXdgSurfaceListener, IXdgToplevelListener, IXdgWmBaseListener, IWlCallbackListener
{
    private const int Width = 320;
    private const int Height = 200;
    private const int SizeBytes = Width * Height * 4;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(20);

    private (int Width, int Height) _size;
    private bool _isConfigured;
    private int _frames;

    [Fact]
    public void The_screen_shows_exactly_what_was_drawn()
    {
        using var leaks = new FdLeakCheck();
        using var weston = WestonHost.TryStart(Width, Height);
        if (weston is null)
        {
            Assert.Skip("weston isn't installed");
            return;
        }

        using var connection = weston.Connect();
        var globals = new WaylandGlobals(connection);
        connection.Roundtrip(s_timeout);
        using var drawn = Draw();
        Show(connection, globals, drawn);
        Assert.Equal(Pixels(drawn), Screenshot.Take(weston.Display).ToPixels());
    }

    void IXdgWmBaseListener.OnPing(XdgWmBase sender, uint serial) => sender.Pong(serial);

    void IXdgToplevelListener.OnConfigure(XdgToplevel sender, int width, int height, ReadOnlySpan<byte> states) => _size = (width, height);

    void IXdgSurfaceListener.OnConfigure(XdgSurface sender, uint serial)
    {
        sender.AckConfigure(serial);
        _isConfigured = true;
    }

    void IWlCallbackListener.OnDone(WlCallback sender, uint callbackData) => _frames++;

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
