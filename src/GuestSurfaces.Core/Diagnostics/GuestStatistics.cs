// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Core.Diagnostics;

/// <summary>What has happened to one guest's frames. Written on the loop's thread by whoever does the thing; read there too.</summary>
public sealed class GuestStatistics
{
    /// <summary>Frames that the transport handed over.</summary>
    public long FramesReceived { get; set; }

    /// <summary>Frames that a compositor latched.</summary>
    public long FramesPresented { get; set; }

    /// <summary>Frames superseded before they were committed. Their damage went into the successor.</summary>
    public long FramesDropped { get; set; }

    /// <summary>Awaited frames answered by the timer, not by the compositor.</summary>
    public long UnprotectedFlips { get; set; }

    /// <summary>Times a storage was rewritten while a compositor might still read it (all spares taken).</summary>
    public long TornWrites { get; set; }

    /// <summary>Bytes that our process wrote into pixel storage, repairs included.</summary>
    public long BytesCopied { get; set; }

    /// <summary>Times the guest's queue was left waiting because its flips flooded us.</summary>
    public long Throttled { get; set; }

    /// <summary>From the flush's pop to the wl_surface.commit that carries it.</summary>
    public LatencyHistogram FlushToCommit { get; } = new();

    /// <summary>From the flush's pop to its answer in the used ring.</summary>
    public LatencyHistogram FlushToGuest { get; } = new();

    /// <summary>The rung in use and the reason.</summary>
    public RungReport Rung { get; set; } = new(Diagnostics.Rung.None, "no frame yet");
}
