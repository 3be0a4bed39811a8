// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Cli.Status;

/// <summary>What a running guest's process said when asked.</summary>
/// <param name="Snapshot">About itself.</param>
/// <param name="Trace">The memory of its <see cref="FrameTrace"/>, which it goes on writing; null if it has none.</param>
internal sealed record GuestAnswer(StatusSnapshot Snapshot, SharedRegion? Trace) : IDisposable
{
    private const ulong MaxTraceBytes = 1 << 20;

    /// <summary>Opens the memory that came with an answer.</summary>
    /// <param name="memory">Adopted.</param>
    /// <returns>Null if it can't be a trace.</returns>
    public static SharedRegion? OpenTrace(MemFdHandle memory)
    {
        if (memory.GetSizeBytes() is var size and <= MaxTraceBytes)
            return SharedRegion.TryOpen(memory, 0, size, mayMap: false, out _);
        memory.Dispose();
        return null;
    }

    /// <summary>Its frames as they are now, by serial; null if it tells nothing about them, or nothing that this version understands.</summary>
    public List<FrameRecord>? ReadFrames()
    {
        var bytes = new byte[Trace?.LengthBytes ?? 0];
        return Trace?.TryRead(0, bytes) == true ? FrameTrace.Read(bytes) : null;
    }

    /// <inheritdoc/>
    public void Dispose() => Trace?.Dispose();
}
