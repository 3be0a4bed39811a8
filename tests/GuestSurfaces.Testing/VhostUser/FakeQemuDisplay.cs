// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Testing.VhostUser;

/// <summary>What the pretended QEMU offers a back-end on the display socket.</summary>
public sealed record FakeQemuDisplayOptions
{
    /// <summary>Bit 0: EDID (QEMU 8.1 and later). Bit 1: DMABUF2 (8.2 and later).</summary>
    public ulong ProtocolFeatures { get; init; } = 3;

    public IReadOnlyList<GpuDisplay> Displays { get; init; } = [new(new(0, 0, 1280, 800), true, 0), new(new(1280, 0, 1024, 768), true, 0)];

    /// <summary>The EDID of every scanout. The default is a header with nothing behind it: enough to recognise.</summary>
    public ReadOnlyMemory<byte> Edid { get; init; } = new byte[] { 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0 };
}

/// <summary>A scanout as QEMU's window would show it.</summary>
public sealed class FakeScanout
{
    internal byte[] Pixels = [];
    internal SharedRegion? Dmabuf;
    internal ulong DmabufStart;
    internal uint DmabufStride;

    public int Width { get; internal set; }

    public int Height { get; internal set; }

    public bool IsOn => Width != 0 && Height != 0;

    /// <summary>How often its size was set or it was switched off.</summary>
    public long Changes { get; internal set; }

    /// <summary>How often part of it was drawn.</summary>
    public long Updates { get; internal set; }

    /// <summary>The last part drawn, as the message said it.</summary>
    public GpuRect LastUpdate { get; internal set; }

    /// <summary>Copies the picture out.</summary>
    /// <param name="xrgb">Room for it; rows without gaps.</param>
    /// <returns>False if the scanout is off, or the room too small.</returns>
    public bool TryRead(Span<byte> xrgb)
    {
        if (!IsOn || xrgb.Length < Width * Height * 4)
            return false;
        if (Dmabuf == null)
        {
            Pixels.AsSpan(0, Width * Height * 4).CopyTo(xrgb);
            return true;
        }

        for (var y = 0; y < Height; y++)
        {
            if (!Dmabuf.TryRead(DmabufStart + ((ulong)DmabufStride * (uint)y), xrgb.Slice(y * Width * 4, Width * 4)))
                return false;
        }

        return true;
    }
}

/// <summary>
/// QEMU's end of the display socket (GPU_SET_SOCKET): answers a back-end's questions and draws what it sends into memory.
/// It does nothing by itself: <see cref="ScriptedFrontend"/> lets it read whenever it waits for anything.
/// </summary>
public sealed class FakeQemuDisplay : IDisposable
{
    private const int LongestPayload = 20 + (8192 * 8192 * 4);

    private readonly FakeQemuDisplayOptions _options;
    private readonly MessageBuffer _buffer;
    private readonly byte[] _reply = new byte[VhostUserWire.HeaderBytes + GpuCommands.EdidBytes];
    private readonly FakeScanout[] _scanouts = new FakeScanout[16];

    public FakeQemuDisplay(FakeQemuDisplayOptions options)
    {
        _options = options;
        (Socket, BackendEnd) = UnixSocketHandle.CreatePair(nonBlocking: false);
        _buffer = new MessageBuffer(Socket, LongestPayload);
        for (var i = 0; i < _scanouts.Length; i++)
            _scanouts[i] = new FakeScanout();
    }

    public UnixSocketHandle Socket { get; }

    /// <summary>What goes to the back-end; closed by <see cref="ScriptedFrontend"/> once sent.</summary>
    public UnixSocketHandle BackendEnd { get; }

    public ReadOnlySpan<FakeScanout> Scanouts => _scanouts;

    /// <summary>The picture of the last CURSOR_UPDATE: 64x64 ARGB.</summary>
    public byte[] CursorPixels { get; } = new byte[64 * 64 * 4];

    public long CursorUpdates { get; private set; }

    public long CursorMoves { get; private set; }

    public bool CursorVisible { get; private set; }

    public (uint Scanout, uint X, uint Y) CursorPosition { get; private set; }

    public (uint X, uint Y) CursorHotSpot { get; private set; }

    /// <summary>The protocol features the back-end has set; null before.</summary>
    public ulong? SetFeatures { get; private set; }

    public bool IsClosed => _buffer.IsClosed;

    /// <summary>Reads and answers what is there now.</summary>
    public void Serve()
    {
        do
        {
            _buffer.Fill();
            if (!_buffer.HasMessage)
                return;
            Handle((GpuSocketRequest)_buffer.Request, _buffer.Payload);
            _buffer.Next();
        }
        while (!_buffer.IsClosed || _buffer.HasMessage);
    }

    public void Dispose()
    {
        foreach (var scanout in _scanouts)
            scanout.Dmabuf?.Dispose();
        _buffer.Dispose();
        BackendEnd.Dispose();
        Socket.Dispose();
    }

    private static void Require(bool condition, GpuSocketRequest request, ReadOnlySpan<byte> payload)
    {
        if (!condition)
            throw new BackendMisbehavedException($"the display socket carried {request} with {payload.Length} bytes that make no sense");
    }

    private void Handle(GpuSocketRequest request, ReadOnlySpan<byte> payload)
    {
        var body = _reply.AsSpan(VhostUserWire.HeaderBytes);
        switch (request)
        {
            case GpuSocketRequest.GetProtocolFeatures:
                GpuCommands.Put64(body, 0, _options.ProtocolFeatures);
                Reply(request, 8);
                break;
            case GpuSocketRequest.SetProtocolFeatures:
                Require(payload.Length == 8, request, payload);
                SetFeatures = GpuCommands.Get64(payload, 0);
                break;
            case GpuSocketRequest.GetDisplayInfo:
                WriteDisplayInfo(body);
                Reply(request, GpuCommands.DisplayInfoBytes);
                break;
            case GpuSocketRequest.GetEdid:
                Require(payload.Length == 4, request, payload);
                GpuCommands.WriteHeader(body, new((uint)GpuResponse.OkEdid), GpuCommands.EdidBytes);
                GpuCommands.Put32(body, 24, (uint)_options.Edid.Length);
                _options.Edid.Span.CopyTo(body[32..]);
                Reply(request, GpuCommands.EdidBytes);
                break;
            case GpuSocketRequest.CursorPos or GpuSocketRequest.CursorPosHide:
                Require(payload.Length == 12, request, payload);
                CursorMoves++;
                CursorVisible = request == GpuSocketRequest.CursorPos;
                CursorPosition = (GpuCommands.Get32(payload, 0), GpuCommands.Get32(payload, 4), GpuCommands.Get32(payload, 8));
                break;
            case GpuSocketRequest.CursorUpdate:
                Require(payload.Length == 20 + CursorPixels.Length, request, payload);
                CursorUpdates++;
                CursorVisible = true;
                CursorPosition = (GpuCommands.Get32(payload, 0), GpuCommands.Get32(payload, 4), GpuCommands.Get32(payload, 8));
                CursorHotSpot = (GpuCommands.Get32(payload, 12), GpuCommands.Get32(payload, 16));
                payload[20..].CopyTo(CursorPixels);
                break;
            case GpuSocketRequest.Scanout:
                Require(payload.Length == 12, request, payload);
                Resize(Scanout(request, payload), GpuCommands.Get32(payload, 4), GpuCommands.Get32(payload, 8));
                break;
            case GpuSocketRequest.Update:
                Draw(Scanout(request, payload), payload);
                break;
            case GpuSocketRequest.DmabufScanout or GpuSocketRequest.DmabufScanout2:
                Require(payload.Length == (request == GpuSocketRequest.DmabufScanout ? 40 : 48), request, payload);
                ShowDmabuf(Scanout(request, payload), payload);
                break;
            case GpuSocketRequest.DmabufUpdate:
                Require(payload.Length == 20, request, payload);
                var scanout = Scanout(request, payload);
                scanout.Updates++;
                scanout.LastUpdate = GpuCommands.GetRect(payload, 4);
                Reply(request, 0);
                break;
            default:
                Require(false, request, payload);
                break;
        }
    }

    private FakeScanout Scanout(GpuSocketRequest request, ReadOnlySpan<byte> payload)
    {
        Require(payload.Length >= 4 && GpuCommands.Get32(payload, 0) < _scanouts.Length, request, payload);
        return _scanouts[GpuCommands.Get32(payload, 0)];
    }

    private static void Resize(FakeScanout scanout, uint width, uint height)
    {
        if (width > 8192 || height > 8192)
            throw new BackendMisbehavedException($"a scanout of {width}x{height}");
        scanout.Dmabuf?.Dispose();
        scanout.Dmabuf = null;
        scanout.Changes++;
        scanout.Width = (int)width;
        scanout.Height = (int)height;
        var bytes = (int)(width * height * 4);
        if (scanout.Pixels.Length < bytes)
            scanout.Pixels = new byte[bytes];
        scanout.Pixels.AsSpan(0, bytes).Clear();
    }

    private static void Draw(FakeScanout scanout, ReadOnlySpan<byte> payload)
    {
        Require(payload.Length >= 20, GpuSocketRequest.Update, payload);
        var rect = GpuCommands.GetRect(payload, 4);
        Require((ulong)payload.Length == 20 + ((ulong)rect.Width * rect.Height * 4), GpuSocketRequest.Update, payload);
        scanout.Updates++;
        scanout.LastUpdate = rect;
        // Clipped, as pixman does it in QEMU: what lies outside the surface is lost.
        var columns = (int)Math.Min(rect.Width, Math.Max(0, scanout.Width - (long)rect.X));
        for (uint row = 0; row < rect.Height && rect.Y + (ulong)row < (uint)scanout.Height && columns > 0; row++)
        {
            payload.Slice((int)(20 + (row * rect.Width * 4)), columns * 4)
                .CopyTo(scanout.Pixels.AsSpan((int)(((rect.Y + row) * scanout.Width) + rect.X) * 4));
        }
    }

    private void ShowDmabuf(FakeScanout scanout, ReadOnlySpan<byte> payload)
    {
        using var fd = _buffer.TakeFd();
        if (fd == null)
        {
            Resize(scanout, 0, 0);
            return;
        }

        var rect = GpuCommands.GetRect(payload, 4);
        Resize(scanout, rect.Width, rect.Height);
        scanout.DmabufStride = GpuCommands.Get32(payload, 28);
        scanout.DmabufStart = (rect.Y * (ulong)scanout.DmabufStride) + (rect.X * 4UL);
        scanout.Dmabuf = SharedRegion.TryOpen(fd.Take<DmabufHandle>(), 0, (ulong)scanout.DmabufStride * GpuCommands.Get32(payload, 24), mayMap: true, out var errno)
            ?? throw new BackendMisbehavedException($"the dma-buf of a scanout can't be mapped: {errno}");
    }

    private void WriteDisplayInfo(Span<byte> to)
    {
        GpuCommands.WriteHeader(to, new((uint)GpuResponse.OkDisplayInfo), GpuCommands.DisplayInfoBytes);
        for (var i = 0; i < _options.Displays.Count; i++)
        {
            var display = _options.Displays[i];
            var at = 24 + (24 * i);
            GpuCommands.Put32(to, at, display.Rect.X);
            GpuCommands.Put32(to, at + 4, display.Rect.Y);
            GpuCommands.Put32(to, at + 8, display.Rect.Width);
            GpuCommands.Put32(to, at + 12, display.Rect.Height);
            GpuCommands.Put32(to, at + 16, display.Enabled ? 1u : 0);
        }
    }

    private void Reply(GpuSocketRequest request, int length)
    {
        GpuCommands.Put32(_reply, 0, (uint)request);
        GpuCommands.Put32(_reply, 4, VhostUserWire.ReplyFlag);
        GpuCommands.Put32(_reply, 8, (uint)length);
        _ = Socket.Send(_reply.AsSpan(0, VhostUserWire.HeaderBytes + length), [], out _); // a gone peer shows when reading
    }
}
