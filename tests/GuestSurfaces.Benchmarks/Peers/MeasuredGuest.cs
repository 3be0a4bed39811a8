// SPDX-License-Identifier: MIT
using GuestSurfaces.Benchmarks.Measuring;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Benchmarks.Peers;

/// <summary>Where a guest's latencies go, kick to answer, in ns.</summary>
/// <param name="capacity">How many at most, of each.</param>
internal sealed class GuestLatencies(int capacity)
{
    /// <summary>Of a transfer, which is answered at once.</summary>
    public Samples CommandNs { get; } = new(capacity);

    /// <summary>Of a fenced flush, which is answered when its picture was shown.</summary>
    public Samples FlushNs { get; } = new(capacity);

    public void Clear()
    {
        CommandNs.Clear();
        FlushNs.Clear();
    }
}

/// <summary>A guest that flips between two pictures at a steady rate, on a thread of its own as if that were its processor.</summary>
internal sealed class MeasuredGuest : IDisposable
{
    private const uint Side = 512;
    private const uint DamageSide = 128;
    private const int Hz = 30;

    private readonly DrawingGuest _guest;
    private readonly Thread _thread;
    private volatile GuestLatencies? _latencies;
    private volatile bool _isStopped;
    private volatile Exception? _failure;

    /// <summary>Boots and begins.</summary>
    /// <param name="path">The back-end's socket.</param>
    /// <param name="startNs">When its first frame is due: guests don't draw in step.</param>
    public MeasuredGuest(string path, long startNs)
    {
        _guest = new DrawingGuest(path, Side, buffers: 2);
        _thread = new Thread(() => Run(startNs)) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>Where latencies go from now on; null: nowhere.</summary>
    /// <exception cref="InvalidOperationException">The guest has failed.</exception>
    public void RecordTo(GuestLatencies? latencies)
    {
        if (_failure is { } failure)
            throw new InvalidOperationException("a guest that did nothing wrong was let down", failure);
        _latencies = latencies;
    }

    public void Dispose()
    {
        _isStopped = true;
        _thread.Join();
        _guest.Dispose();
    }

    private void Run(long dueNs)
    {
        using var epoll = EpollHandle.Create();
        Span<EpollResult> results = stackalloc EpollResult[1];
        try
        {
            for (var frame = 1u; !_isStopped; frame++)
            {
                epoll.WaitUntil(results, dueNs);
                DrawFrame(frame);
                dueNs = Math.Max(dueNs + (1_000_000_000 / Hz), KernelClock.NowNs()); // late frames aren't made up for
            }
        }
        catch (IOException e)
        {
            _failure = e;
        }
    }

    private void DrawFrame(uint frame)
    {
        var buffer = (int)(frame & 1);
        var rect = new GpuRect(frame * 16 % (Side - DamageSide), frame * 48 % (Side - DamageSide), DamageSide, DamageSide);
        _guest.Draw(0, buffer, rect, (byte)frame);
        var latencies = _latencies;
        var start = KernelClock.NowNs();
        _guest.Transfer(0, buffer, rect);
        latencies?.CommandNs.Add(KernelClock.NowNs() - start);
        _guest.SetScanout(0, buffer);
        start = KernelClock.NowNs();
        _guest.Flush(0, buffer, rect, isFenced: true);
        latencies?.FlushNs.Add(KernelClock.NowNs() - start);
    }
}
