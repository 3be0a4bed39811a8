// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Core.Diagnostics;

/// <summary>
/// What became of a guest's last few thousand frames, always written: a stutter is asked about after it has happened. A ring of <see cref="FrameRecord"/>s in memory
/// that other processes may read (never write) while it is: handing it out costs a descriptor, and the loop waits for nobody.
/// <para>
/// A frame's place follows from its serial, so that whoever learns something about a frame finds it without a search. A record that is being begun has serial 0.
/// </para>
/// Thread: the loop's. Nothing allocates.
/// </summary>
public sealed class FrameTrace : IDisposable
{
    /// <summary>How many frames are remembered: at 60 Hz a bit more than a minute.</summary>
    public const int Capacity = 4096;

    private const int HeaderBytes = 8;
    private const uint Magic = 0x52545347; // "GSTR" in memory
    private static readonly int s_recordBytes = Unsafe.SizeOf<FrameRecord>();
    private static readonly int s_timesOffset = (int)Marshal.OffsetOf<FrameRecord>(nameof(FrameRecord.Times));
    private static readonly int s_marksOffset = (int)Marshal.OffsetOf<FrameRecord>(nameof(FrameRecord.Marks));

    private readonly SharedRegion _memory;
    private readonly ulong[] _answered = new ulong[Limits.MaxScanouts];

    private FrameTrace(SharedRegion memory) => _memory = memory;

    /// <summary>The memory, for somebody else to read: <see cref="Read"/>. Borrowed.</summary>
    public FdHandle File => _memory.File;

    /// <summary>Makes an empty one.</summary>
    /// <param name="errno">Why there is none: EMFILE, ENOMEM.</param>
    /// <returns>The trace (the caller's), or null.</returns>
    public static FrameTrace? TryCreate(out Errno errno)
    {
        var size = (ulong)(HeaderBytes + (Capacity * s_recordBytes));
        if (MemFdHandle.TryCreate("guest-surfaces trace", size, FileSeals.Shrink | FileSeals.Grow, out errno) is not { } file)
            return null;
        if (SharedRegion.TryOpen(file, 0, size, mayMap: true, out errno) is not { } memory)
            return null;
        memory.TryWrite(0, Magic);
        memory.TryWrite(4, (uint)s_recordBytes);
        _ = file.AddSeals(FileSeals.FutureWrite | FileSeals.Seal); // the mapping above goes on writing; Linux before 5.1 knows no such seal
        return new FrameTrace(memory);
    }

    /// <summary>A frame sets out.</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="frame">Borrowed.</param>
    /// <param name="sentNs">When it was handed to what shows it.</param>
    public void Begin(int scanout, in GuestFrame frame, long sentNs)
    {
        var record = new FrameRecord
        {
            Scanout = (uint)scanout,
            Marks = (frame.Awaited ? FrameMarks.Awaited : 0) | (frame.Storage.IsDmabuf ? FrameMarks.Dmabuf : 0),
        };
        record.Times[(int)FrameStage.Popped] = frame.PoppedNs;
        record.Times[(int)FrameStage.Sent] = sentNs;
        var offset = OffsetOf(frame.Serial);
        _memory.TryWrite(offset, 0UL); // the frame of before isn't here any more
        Thread.MemoryBarrier();
        _memory.TryWrite(offset, in record);
        Thread.MemoryBarrier();
        _memory.TryWrite(offset, frame.Serial);
    }

    /// <summary>A frame has reached a stage. Only the first word about that counts, and none about a frame of long ago.</summary>
    /// <param name="serial">The frame's.</param>
    /// <param name="stage">Which.</param>
    /// <param name="timeNs">When, CLOCK_MONOTONIC.</param>
    public void Reach(ulong serial, FrameStage stage, long timeNs)
    {
        var at = OffsetOf(serial) + (ulong)(s_timesOffset + ((int)stage * sizeof(long)));
        if (IsHere(serial) && _memory.TryRead(at, out long known) && known == 0)
            _memory.TryWrite(at, timeNs);
    }

    /// <summary>Something else is to be said of a frame.</summary>
    /// <param name="serial">The frame's.</param>
    /// <param name="mark">What.</param>
    public void Mark(ulong serial, FrameMarks mark)
    {
        var at = OffsetOf(serial) + (ulong)s_marksOffset;
        if (IsHere(serial) && _memory.TryRead(at, out FrameMarks known))
            _memory.TryWrite(at, known | mark);
    }

    /// <summary>The guest had its answer for a frame, and with it for all of the scanout before.</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="serial">The frame's.</param>
    /// <param name="timeNs">When, CLOCK_MONOTONIC.</param>
    public void Answer(int scanout, ulong serial, long timeNs)
    {
        // Serials are counted over all scanouts.
        var first = Math.Max(_answered[scanout] + 1, serial - Math.Min(serial, Capacity - 1));
        for (var s = first; s <= serial; s++)
        {
            if (IsHere(s) && _memory.TryRead(OffsetOf(s) + sizeof(ulong), out uint of) && of == scanout)
                Reach(s, FrameStage.Answered, timeNs);
        }

        _answered[scanout] = Math.Max(_answered[scanout], serial);
    }

    /// <summary>Reads a trace, which may be written at the same time: each record is whole but for what is still to come.</summary>
    /// <param name="memory">All bytes of its <see cref="File"/>.</param>
    /// <returns>Its frames, by serial; null if that is no trace, or one of another version.</returns>
    public static List<FrameRecord>? Read(ReadOnlySpan<byte> memory)
    {
        if (memory.Length < HeaderBytes || MemoryMarshal.Read<uint>(memory) != Magic || MemoryMarshal.Read<uint>(memory[4..]) != (uint)s_recordBytes)
            return null;
        var frames = new List<FrameRecord>(Capacity);
        foreach (ref readonly var record in MemoryMarshal.Cast<byte, FrameRecord>(memory[HeaderBytes..]))
        {
            if (record.Serial != 0)
                frames.Add(record);
        }

        frames.Sort(static (a, b) => a.Serial.CompareTo(b.Serial));
        return frames;
    }

    /// <summary>Unmaps the memory. Who has its descriptor may still read it.</summary>
    public void Dispose() => _memory.Dispose();

    private static ulong OffsetOf(ulong serial) => HeaderBytes + ((serial % Capacity) * (ulong)s_recordBytes);

    private bool IsHere(ulong serial) => serial != 0 && _memory.TryRead(OffsetOf(serial), out ulong here) && here == serial;
}
