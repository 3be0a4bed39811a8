// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Diagnostics;

namespace GuestSurfaces.Cli.Bench;

/// <summary>What one way of presenting costs, summed over its turns.</summary>
internal sealed class BenchMeasure
{
    private TimeSpan _cpu;
    private long _allocated;
    private bool _isRunning;

    /// <summary>Whether frames count: not while a turn warms up.</summary>
    public bool IsRunning => _isRunning;

    /// <summary>Frames that the compositor has shown.</summary>
    public long Presented { get; set; }

    /// <summary>Bytes written into pixels.</summary>
    public long BytesCopied { get; set; }

    /// <summary>From the end of drawing to wl_surface.commit.</summary>
    public LatencyHistogram FlushToCommit { get; } = new();

    /// <summary>Seconds that counted.</summary>
    public double Seconds { get; private set; }

    /// <summary>User and system time of this process, for each presented frame.</summary>
    public double CpuUsPerFrame { get; private set; }

    /// <summary>What the garbage collector had to give, for each presented frame.</summary>
    public double AllocatedPerFrame { get; private set; }

    private long _startNs;
    private TimeSpan _totalCpu;
    private long _totalAllocated;

    /// <summary>Counts from here.</summary>
    public void Begin(long nowNs)
    {
        _isRunning = true;
        _startNs = nowNs;
        _allocated = GC.GetTotalAllocatedBytes(precise: true);
        _cpu = Environment.CpuUsage.TotalTime;
    }

    /// <summary>Counts to here.</summary>
    public void End(long nowNs)
    {
        _totalCpu += Environment.CpuUsage.TotalTime - _cpu;
        _totalAllocated += GC.GetTotalAllocatedBytes(precise: true) - _allocated;
        Seconds += (nowNs - _startNs) / 1e9;
        _isRunning = false;
        var frames = Math.Max(Presented, 1);
        CpuUsPerFrame = _totalCpu.TotalMicroseconds / frames;
        AllocatedPerFrame = (double)_totalAllocated / frames;
    }
}
