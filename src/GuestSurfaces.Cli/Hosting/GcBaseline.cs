// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Diagnostics;

namespace GuestSurfaces.Cli.Hosting;

/// <summary>Measures what the frame path allocates: starts counting once the run is warm (JIT and caches allocate, frames must not).</summary>
internal sealed class GcBaseline(GuestStatistics statistics)
{
    /// <summary>Frames after which a run counts as warm.</summary>
    public const int WarmFrames = 120;

    private long _bytes = -1;
    private long _frames;
    private int _collections;

    /// <summary>Call now and then; the first call after <see cref="WarmFrames"/> frames takes the baseline.</summary>
    public void Sample()
    {
        if (_bytes >= 0 || statistics.FramesReceived < WarmFrames)
            return;
        _frames = statistics.FramesReceived;
        _collections = GC.CollectionCount(0);
        _bytes = GC.GetTotalAllocatedBytes(precise: true);
    }

    /// <summary>Bytes allocated by the whole process for each frame since the baseline, and collections since. Zero frames: (0, 0).</summary>
    public (double BytesPerFrame, int Collections) Measure()
    {
        var frames = statistics.FramesReceived - _frames;
        return _bytes < 0 || frames == 0
            ? (0, 0)
            : ((double)(GC.GetTotalAllocatedBytes(precise: true) - _bytes) / frames, GC.CollectionCount(0) - _collections);
    }
}
