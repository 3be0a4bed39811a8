// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>What became of a conversion.</summary>
internal enum ConversionResult
{
    /// <summary>The frame is in a buffer of ours now.</summary>
    Done,

    /// <summary>All targets are with the compositor: again when one comes back.</summary>
    Wait,

    /// <summary>No memory, or a storage too small for its picture.</summary>
    Failed,
}

/// <summary>
/// The last resort for shared memory that the compositor can't read as it is: changed pixels are rewritten as XRGB8888, which every
/// compositor reads, in a buffer of our own that holds exactly the picture. Each target remembers what it missed while others were used.
/// </summary>
internal sealed class CpuConverter(GuestStatistics statistics)
{
    // One that is scanned out, one that is queued, one to write into, and one for a slow release.
    private const int MaxTargets = 4;

    private readonly List<Target> _targets = [];
    private uint[] _row = [];
    private BufferSize _size;

    /// <summary>Whether it can read these pixels.</summary>
    /// <param name="frame">A frame.</param>
    public static bool CanConvert(in GuestFrame frame) => frame.Storage.Pixels is not null && FrameReader.CanRead(in frame);

    /// <summary>Turns a frame into one whose pixels are a target of ours. The frame's own storage is unlocked: nobody reads it any more.</summary>
    /// <param name="frame">Changed in place. Its damage counts from the last converted frame.</param>
    /// <returns>Unless it is done, the frame is as before.</returns>
    public ConversionResult Convert(ref GuestFrame frame)
    {
        if (frame.Source.Size != _size)
            Reset();
        _size = frame.Source.Size;
        var damage = default(DamageList);
        for (var i = 0; i < frame.Damage.Count; i++)
            damage.Add(frame.Damage[i].Intersect(frame.Source).Offset(-frame.Source.X, -frame.Source.Y));
        if (FindFree() is not { } target)
            return _targets.Count == MaxTargets ? ConversionResult.Wait : ConversionResult.Failed;
        foreach (var other in _targets)
            other.Stale.Add(in damage);
        var copied = 0L;
        for (var i = 0; i < target.Stale.Count; i++)
        {
            if (!TryCopy(in frame, target, target.Stale[i]))
                return ConversionResult.Failed;
            copied += target.Stale[i].Area * sizeof(uint);
        }

        target.Stale.Clear();
        statistics.BytesCopied += copied;
        var read = frame.Storage;
        target.Storage.Lock();
        frame.Storage = target.Storage;
        frame.View = target.View;
        frame.Source = target.View.Size.Whole;
        frame.Damage = damage;
        read.Unlock();
        return ConversionResult.Done;
    }

    /// <summary>Forgets the targets: the next frame isn't a successor of theirs.</summary>
    public void Reset()
    {
        foreach (var target in _targets)
            target.Storage.Drop();
        _targets.Clear();
    }

    private bool TryCopy(in GuestFrame frame, Target target, BufferRect rect)
    {
        if (_row.Length < rect.Width)
            _row = new uint[rect.Width];
        var row = _row.AsSpan(0, rect.Width);
        for (var y = rect.Y; y < rect.Bottom; y++)
        {
            var to = PixelLayout.OffsetBytes(target.View, new BufferRect(rect.X, y, rect.Width, 1));
            if (!FrameReader.TryReadRow(in frame, frame.Storage.Pixels!, frame.Source.X + rect.X, frame.Source.Y + y, row) || !target.Storage.Pixels!.TryWrite(to, MemoryMarshal.AsBytes(row)))
                return false;
        }

        return true;
    }

    private Target? FindFree()
    {
        foreach (var target in _targets)
        {
            if (target.Storage.LockCount == 0)
                return target;
        }

        if (_targets.Count == MaxTargets)
            return null;
        var stride = (uint)_size.Width * sizeof(uint);
        var storage = BufferStorage.TryAllocate("guest-surfaces-converted", (ulong)stride * (uint)_size.Height, null, out _);
        if (storage is null)
            return null;
        var added = new Target(storage, new BufferView(_size, DrmFormat.Xrgb8888, DrmModifier.Linear, 0, stride));
        added.Stale.Add(_size.Whole);
        _targets.Add(added);
        return added;
    }

    private sealed class Target(BufferStorage storage, BufferView view)
    {
        public DamageList Stale;

        public BufferStorage Storage => storage;

        public BufferView View => view;
    }
}
