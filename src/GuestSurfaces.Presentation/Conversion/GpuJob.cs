// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Presentation.Buffers;

namespace GuestSurfaces.Presentation.Conversion;

/// <summary>
/// Something for the GPU to do. It belongs to the loop until it is submitted, to the helper until it is finished, and to the loop again: nothing in it is locked.
/// A job that was given up is the helper's for ever.
/// </summary>
internal abstract class GpuJob
{
    /// <summary>Of the hand-over list that it is in.</summary>
    internal GpuJob? Next { get; set; }

    /// <summary>When it has to be finished: the loop's.</summary>
    internal long DueNs { get; set; }

    /// <summary>Why it failed.</summary>
    public GpuFailure? Failure { get; set; }

    /// <summary>Does it. Thread: the helper's.</summary>
    /// <param name="device">Where.</param>
    /// <returns>Null if it is done.</returns>
    public abstract GpuFailure? Run(IGpuDevice device);

    /// <summary>It is finished, or given up: then nothing of it may be looked at. Thread: the loop's.</summary>
    /// <param name="givenUp">Why it was given up; null if it was finished.</param>
    public abstract void Complete(GpuFailure? givenUp);

    /// <summary>It was finished, but nobody waits for it any more: lets go what it made. Thread: the helper's.</summary>
    public virtual void Discard()
    {
    }
}

/// <summary>Makes a target.</summary>
/// <param name="size">In pixels.</param>
/// <param name="choices">What the compositor prefers.</param>
/// <param name="done">Told what became of it: the target, or why there is none.</param>
internal sealed class AllocateJob(BufferSize size, IReadOnlyList<DmabufTarget> choices, Action<GpuTarget?, GpuFailure?> done) : GpuJob
{
    private GpuTarget? _target;

    /// <inheritdoc/>
    public override GpuFailure? Run(IGpuDevice device)
    {
        _target = device.TryAllocate(size, choices, out var failure);
        return failure;
    }

    /// <inheritdoc/>
    public override void Complete(GpuFailure? givenUp) => done(givenUp is null ? _target : null, givenUp ?? Failure);

    /// <inheritdoc/>
    public override void Discard()
    {
        foreach (var plane in _target?.Planes ?? [])
            plane.Dispose();
    }
}

/// <summary>Draws one frame. Used again and again.</summary>
/// <param name="done">Told when it is finished or given up.</param>
internal sealed class DrawJob(Action<GpuFailure?> done) : GpuJob
{
    private GpuSource? _source;
    private GpuTarget? _target;
    private BufferRect _crop;
    private DamageList _rects;
    private Interop.SyncFileHandle? _acquire;
    private bool _isSoftware;

    /// <summary>Whether the CPU drew: known once it is finished.</summary>
    public bool IsSoftware => _isSoftware;

    /// <summary>What it was to draw.</summary>
    public GpuSource? Source => _source;

    /// <summary>Says what to draw; then it is submitted.</summary>
    /// <param name="source">From.</param>
    /// <param name="crop">The picture in it.</param>
    /// <param name="target">To.</param>
    /// <param name="rects">Which parts.</param>
    /// <param name="acquire">Adopted: signals when the picture is complete. Null: it is.</param>
    public void Prepare(GpuSource source, BufferRect crop, GpuTarget target, in DamageList rects, Interop.SyncFileHandle? acquire)
    {
        _source = source;
        _crop = crop;
        _target = target;
        _rects = rects;
        _acquire = acquire;
    }

    /// <inheritdoc/>
    public override GpuFailure? Run(IGpuDevice device)
    {
        const int guestTimeoutMs = 500;
        _isSoftware = device.IsSoftware;
        using var acquire = _acquire;
        if (acquire is not null && !acquire.Wait(guestTimeoutMs))
            return new GpuFailure("the guest's picture didn't become complete");
        return device.TryDraw(_source!, _crop, _target!, in _rects);
    }

    /// <inheritdoc/>
    public override void Complete(GpuFailure? givenUp) => done(givenUp ?? Failure);
}

/// <summary>Ends what the device keeps for a source or a target.</summary>
/// <param name="source">Which, or null.</param>
/// <param name="target">Which, or null.</param>
internal sealed class ReleaseJob(GpuSource? source, GpuTarget? target) : GpuJob
{
    /// <inheritdoc/>
    public override GpuFailure? Run(IGpuDevice device)
    {
        if (source is not null)
            device.Release(source);
        if (target is not null)
            device.Release(target);
        return null;
    }

    /// <inheritdoc/>
    public override void Complete(GpuFailure? givenUp)
    {
    }
}
