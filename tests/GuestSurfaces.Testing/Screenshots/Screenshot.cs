// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Testing.Screenshots;

/// <summary>
/// Takes a picture of a compositor's output by whichever protocol it has: weston_screenshooter (Weston 10), weston_capture_v1 (11 and up; both want
/// Weston's --debug), wlr-screencopy (sway). Unlike weston-screenshooter it doesn't lose pixels whose fourth byte is 0.
/// </summary>
public sealed class Screenshot : IWlOutputListener, IWestonScreenshooterListener, IWestonCaptureSourceV1Listener, IZwlrScreencopyFrameV1Listener
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(10);

    private readonly WaylandConnection _connection;
    private readonly WaylandGlobals _globals;
    private readonly int _output;
    private int _width;
    private int _height;
    private uint _format = (uint)WlShmFormat.Xrgb8888;
    private bool _isDone;
    private bool _isStale;
    private string? _failure;
    private bool _isUpsideDown;

    private Screenshot(WaylandConnection connection, WaylandGlobals globals, int output)
    {
        _connection = connection;
        _globals = globals;
        _output = output;
    }

    /// <summary>Takes a picture.</summary>
    /// <param name="display">The compositor's socket: its path, or a name in XDG_RUNTIME_DIR.</param>
    /// <param name="output">Which output, as the compositor lists them.</param>
    /// <exception cref="NotSupportedException">The compositor has none of these protocols.</exception>
    public static Picture Take(string display, int output = 0)
    {
        using var connection = WaylandConnection.Connect(display);
        var globals = new WaylandGlobals(connection);
        connection.Roundtrip(s_timeout);
        return new Screenshot(connection, globals, output).Take();
    }

    void IWlOutputListener.OnMode(WlOutput sender, WlOutputMode flags, int width, int height, int refresh)
    {
        if ((flags & WlOutputMode.Current) != 0)
            (_width, _height) = (width, height);
    }

    void IWestonScreenshooterListener.OnDone(WestonScreenshooter sender) => _isDone = true;

    void IWestonCaptureSourceV1Listener.OnFormat(WestonCaptureSourceV1 sender, uint drmFormat) => _format = drmFormat switch
    {
        0x34325258 => (uint)WlShmFormat.Xrgb8888,
        0x34325241 => (uint)WlShmFormat.Argb8888,
        _ => drmFormat,
    };

    void IWestonCaptureSourceV1Listener.OnSize(WestonCaptureSourceV1 sender, int width, int height) => (_width, _height) = (width, height);

    void IWestonCaptureSourceV1Listener.OnComplete(WestonCaptureSourceV1 sender) => _isDone = true;

    void IWestonCaptureSourceV1Listener.OnRetry(WestonCaptureSourceV1 sender) => _isStale = true;

    void IWestonCaptureSourceV1Listener.OnFailed(WestonCaptureSourceV1 sender, ReadOnlySpan<byte> msg) => _failure = System.Text.Encoding.UTF8.GetString(msg);

    void IZwlrScreencopyFrameV1Listener.OnBuffer(ZwlrScreencopyFrameV1 sender, uint format, uint width, uint height, uint stride)
    {
        (_width, _height) = ((int)width, (int)height);
        _format = format;
    }

    void IZwlrScreencopyFrameV1Listener.OnFlags(ZwlrScreencopyFrameV1 sender, ZwlrScreencopyFrameV1Flags flags) => _isUpsideDown = flags != 0;

    void IZwlrScreencopyFrameV1Listener.OnReady(ZwlrScreencopyFrameV1 sender, uint tvSecHi, uint tvSecLo, uint tvNsec) => _isDone = true;

    void IZwlrScreencopyFrameV1Listener.OnFailed(ZwlrScreencopyFrameV1 sender) => _failure = "the compositor refused";

    private Picture Take()
    {
        var output = _globals.Bind<WlOutput>(_globals.All.Where(static global => global.Interface == WlOutput.InterfaceType.Name).ElementAt(_output));
        output.Listener = this;
        _connection.Roundtrip(s_timeout);
        Action<WlBuffer> shoot;
        if (_globals.Bind<WestonScreenshooter>() is { } shooter)
        {
            shooter.Listener = this;
            shoot = buffer => shooter.Shoot(output, buffer);
        }
        else if (_globals.Bind<WestonCaptureV1>() is { } capture)
        {
            var source = capture.Create(output, WestonCaptureV1Source.Framebuffer);
            source.Listener = this;
            shoot = source.Capture;
        }
        else
        {
            var frame = _globals.Require<ZwlrScreencopyManagerV1>().CaptureOutput(0, output);
            frame.Listener = this;
            shoot = frame.Copy;
        }

        for (var attempt = 0; attempt < 3; attempt++)
        {
            if (TryTake(shoot) is { } picture)
                return picture;
        }

        throw new IOException("the compositor sent no picture: its output never stayed as it was");
    }

    /// <returns>Null if the output has changed meanwhile.</returns>
    private Picture? TryTake(Action<WlBuffer> shoot)
    {
        _isStale = false;
        _connection.Roundtrip(s_timeout); // by now the size and format are known
        var stride = _width * 4;
        var bytes = (ulong)stride * (ulong)_height;
        using var memory = MemFdHandle.TryCreateSealed("screenshot", bytes, out var errno) ?? throw new SyscallException("making room for a screenshot", errno);
        var pool = _globals.Require<WlShm>().CreatePool(memory, (int)bytes);
        shoot(pool.CreateBuffer(0, _width, _height, stride, (WlShmFormat)_format));
        pool.Destroy();
        if (!_connection.TryWait(this, static s => s._isDone || s._isStale || s._failure is not null, s_timeout))
            throw new TimeoutException("the compositor sent no picture");
        if (_isStale)
            return null;
        if (_failure is not null)
            throw new IOException($"the compositor sent no picture: {_failure}");
        return Read(memory, stride, bytes);
    }

    private Picture Read(MemFdHandle memory, int stride, ulong bytes)
    {
        using var region = SharedRegion.TryOpen(memory.Duplicate<MemFdHandle>(), 0, bytes, mayMap: true, out var errno) ?? throw new SyscallException("reading a screenshot", errno);
        var pixels = new byte[bytes];
        if (!region.TryRead(0, pixels))
            throw new IOException("reading a screenshot failed");
        if (_isUpsideDown)
        {
            var rows = pixels.Chunk(stride).Reverse().SelectMany(row => row);
            pixels = [.. rows];
        }

        return (WlShmFormat)_format is WlShmFormat.Xrgb8888 or WlShmFormat.Argb8888
            ? Picture.FromXrgb(_width, _height, stride, pixels)
            : SwapRedAndBlue(Picture.FromXrgb(_width, _height, stride, pixels));
    }

    // XBGR8888 and ABGR8888: the only others that compositors offer for this.
    private static Picture SwapRedAndBlue(Picture picture)
    {
        for (var i = 0; i < picture.Rgb.Length; i += 3)
            (picture.Rgb[i], picture.Rgb[i + 2]) = (picture.Rgb[i + 2], picture.Rgb[i]);
        return picture;
    }
}
