// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Testing.VhostUser;

/// <summary>
/// A guest without blobs that draws pictures and shows them, each command awaited: the plain life of a desktop. Every head has the same size and as many buffers to
/// flip between. Drawing and showing allocates nothing. Thread: one at a time.
/// </summary>
public sealed class DrawingGuest : IDisposable
{
    private const ulong RamBytes = 64 << 20;

    private readonly ScriptedFrontend _vmm;
    private readonly GuestDriver _driver;
    private readonly uint _side;
    private readonly int _buffers;
    private readonly ulong[] _pixels;
    private readonly byte[] _row;
    private readonly byte[] _request = new byte[GpuCommands.LongestFixedBytes];
    private readonly byte[] _response = new byte[GpuHeader.SizeBytes];
    private ulong _fence;

    /// <summary>Boots, makes the buffers, and shows the first one on each head.</summary>
    /// <param name="path">Where the back-end listens, or soon will.</param>
    /// <param name="side">Width and height of every picture.</param>
    /// <param name="heads">Scanouts.</param>
    /// <param name="buffers">Of each head.</param>
    public DrawingGuest(string path, uint side, int heads = 1, int buffers = 1)
    {
        _side = side;
        _buffers = buffers;
        _row = new byte[side * 4];
        var socket = BackendLauncher.ConnectPatiently(path, 20_000, ms =>
        {
            Thread.Sleep(ms);
            return false;
        });
        var memory = new GuestMemoryOptions { Regions = [new(0, RamBytes, 0, GuestMemoryOptions.UserBase)] };
        _vmm = new ScriptedFrontend(socket, new FrontendOptions { Order = HandshakeOrder.Crosvm, Display = null, Memory = memory, TimeoutMs = 20_000 });
        _driver = _vmm.Boot();
        _pixels = new ulong[heads * buffers];
        for (var i = 0; i < _pixels.Length; i++)
        {
            _pixels[i] = _vmm.Memory.Allocate((ulong)_row.Length * side);
            Submit(GpuCommands.ResourceCreate2D(_request, (uint)i + 1, (uint)GpuFormat.B8G8R8X8, side, side));
            Submit(GpuCommands.ResourceAttachBacking(_request, (uint)i + 1, [new(_pixels[i], (uint)_row.Length * side)]));
        }

        for (var head = 0; head < heads; head++)
            SetScanout(head, 0);
    }

    /// <summary>Commands that were sent.</summary>
    public long Requests { get; private set; }

    /// <summary>Commands that were answered; a second answer to one throws.</summary>
    public long Answers => _driver.Answers;

    /// <summary>Fills a part of a buffer with one byte, in guest memory.</summary>
    public void Draw(int head, int buffer, GpuRect rect, byte value)
    {
        var row = _row.AsSpan(0, (int)rect.Width * 4);
        row.Fill(value);
        var at = _pixels[Index(head, buffer)] + OffsetOf(rect);
        for (uint y = 0; y < rect.Height; y++, at += (ulong)_row.Length)
            _vmm.Memory.Write(at, row);
    }

    /// <summary>What is drawn at a place of a buffer.</summary>
    public uint Pixel(int head, int buffer, uint x, uint y) => _vmm.Memory.Read<uint>(_pixels[Index(head, buffer)] + OffsetOf(new GpuRect(x, y, 1, 1)));

    /// <summary>Tells the device about a part that was drawn.</summary>
    public void Transfer(int head, int buffer, GpuRect rect) => Submit(GpuCommands.TransferToHost2D(_request, Resource(head, buffer), rect, OffsetOf(rect)));

    /// <summary>Puts a buffer on its head.</summary>
    public void SetScanout(int head, int buffer) => Submit(GpuCommands.SetScanout(_request, (uint)head, Resource(head, buffer), GpuRect.Of(_side, _side)));

    /// <summary>Shows a part of a buffer that is on its head.</summary>
    /// <param name="head">Which.</param>
    /// <param name="buffer">Of that head.</param>
    /// <param name="rect">What has changed.</param>
    /// <param name="isFenced">Whether the answer is to come only when it was shown.</param>
    public void Flush(int head, int buffer, GpuRect rect, bool isFenced)
    {
        var length = GpuCommands.ResourceFlush(_request, Resource(head, buffer), rect);
        if (isFenced)
            GpuCommands.SetFence(_request, ++_fence);
        Submit(length);
    }

    public void Dispose() => _vmm.Dispose();

    private int Index(int head, int buffer) => (head * _buffers) + buffer;

    private uint Resource(int head, int buffer) => (uint)Index(head, buffer) + 1;

    private ulong OffsetOf(GpuRect rect) => ((rect.Y * _side) + rect.X) * 4;

    private void Submit(int length)
    {
        Requests++;
        _driver.SubmitAndWait(_request.AsSpan(0, length), _response);
        var answer = GpuCommands.ReadHeader(_response);
        if (answer.Response != GpuResponse.OkNoData)
            throw new BackendMisbehavedException($"the back-end answered {answer}");
    }
}
