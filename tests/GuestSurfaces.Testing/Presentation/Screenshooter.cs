// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>Takes pictures of weston's only output, over a connection of its own: by weston 10's private protocol, or by that of weston 12 to 14.</summary>
public sealed class Screenshooter : IWestonScreenshooterListener, IWestonCaptureSourceV1Listener, IWlOutputListener, IDisposable
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(20);

    private readonly WaylandConnection _connection;
    private readonly WestonScreenshooter? _shooter;
    private readonly WestonCaptureSourceV1? _capture;
    private readonly WlOutput _output;
    private readonly SharedRegion _memory;
    private readonly WlBuffer _buffer;
    private WlShmFormat _format = WlShmFormat.Xrgb8888;
    private bool _isDone;
    private string? _failure;

    private Screenshooter(WaylandConnection connection, WaylandGlobals globals)
    {
        _connection = connection;
        _output = globals.Require<WlOutput>();
        _output.Listener = this;
        _shooter = globals.Bind<WestonScreenshooter>();
        if (_shooter is not null)
        {
            _shooter.Listener = this;
        }
        else
        {
            _capture = globals.Require<WestonCaptureV1>().Create(_output, WestonCaptureV1Source.Framebuffer);
            _capture.Listener = this;
        }

        connection.Roundtrip(s_timeout);
        var bytes = Width * Height * 4;
        var file = MemFdHandle.TryCreateSealed("screenshot", (ulong)bytes, out _)!;
        var pool = globals.Require<WlShm>().CreatePool(file, bytes);
        _buffer = pool.CreateBuffer(0, Width, Height, Width * 4, _format);
        pool.Destroy();
        _memory = SharedRegion.TryOpen(file, 0, (ulong)bytes, mayMap: true, out _)!;
    }

    public int Width { get; private set; }

    public int Height { get; private set; }

    /// <summary>Null if this compositor has neither protocol.</summary>
    public static Screenshooter? TryCreate(WaylandConnection connection)
    {
        var globals = new WaylandGlobals(connection);
        connection.Roundtrip(s_timeout);
        var isKnown = globals.Find(WestonScreenshooter.InterfaceType.Name) ?? globals.Find(WestonCaptureV1.InterfaceType.Name);
        return isKnown is null ? null : new Screenshooter(connection, globals);
    }

    /// <summary>What the output shows now, as 0xRRGGBB.</summary>
    public uint[] Shoot()
    {
        _isDone = false;
        _shooter?.Shoot(_output, _buffer);
        _capture?.Capture(_buffer);
        if (!_connection.TryWait(this, static shooter => shooter._isDone || shooter._failure is not null, s_timeout) || _failure is not null)
            throw new InvalidOperationException($"weston took no screenshot: {_failure ?? "no answer"}");
        var pixels = new uint[Width * Height];
        if (!_memory.TryRead(0, MemoryMarshal.AsBytes(pixels.AsSpan())))
            throw new InvalidOperationException("the screenshot is too small");
        foreach (ref var pixel in pixels.AsSpan())
            pixel = _format is WlShmFormat.Xbgr8888 or WlShmFormat.Abgr8888 ? ((pixel & 0xff) << 16) | (pixel & 0xff00) | ((pixel >> 16) & 0xff) : pixel & 0xff_ffff;
        return pixels;
    }

    public void Dispose()
    {
        _connection.Dispose();
        _memory.Dispose();
    }

    void IWestonScreenshooterListener.OnDone(WestonScreenshooter sender) => _isDone = true;

    void IWestonCaptureSourceV1Listener.OnFormat(WestonCaptureSourceV1 sender, uint drmFormat)
    {
        var format = new DrmFormat(drmFormat);
        _format = format == DrmFormat.Xrgb8888 ? WlShmFormat.Xrgb8888 : format == DrmFormat.Argb8888 ? WlShmFormat.Argb8888 : (WlShmFormat)drmFormat;
    }

    void IWestonCaptureSourceV1Listener.OnFailed(WestonCaptureSourceV1 sender, ReadOnlySpan<byte> msg) => _failure = System.Text.Encoding.UTF8.GetString(msg);

    void IWestonCaptureSourceV1Listener.OnComplete(WestonCaptureSourceV1 sender) => _isDone = true;

    void IWestonCaptureSourceV1Listener.OnRetry(WestonCaptureSourceV1 sender) => sender.Capture(_buffer);

    void IWlOutputListener.OnMode(WlOutput sender, WlOutputMode flags, int width, int height, int refresh)
    {
        if ((flags & WlOutputMode.Current) != 0)
            (Width, Height) = (width, height);
    }
}
