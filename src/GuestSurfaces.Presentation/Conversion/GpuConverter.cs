// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Sync;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Buffers;

namespace GuestSurfaces.Presentation.Conversion;

/// <summary>
/// The convert rung of one window: a dma-buf that the compositor doesn't take is drawn once, by the GPU, into a buffer that it does. The targets take turns, and
/// each remembers what it missed while others were shown, so that only that and what has changed is drawn.
/// <para>
/// A frame being drawn stays where it is: its lock on the guest's buffer goes back when the GPU has read it. One that goes away meanwhile (the window closes,
/// the screen blanks) takes its lock along: what is drawn of it then is shown to nobody.
/// </para>
/// Thread: the loop's; nothing allocates in steady state.
/// </summary>
internal sealed class GpuConverter : IBufferConsumer
{
    /// <summary>One on the screen, one latched for the next refresh, one to draw into.</summary>
    public const int MaxTargets = 3;

    // A compositor gives a buffer back when it has another.
    private const int MinTargets = 2;
    private const int MaxSourcesPerStorage = 8;
    private const int MaxSide = 16384;

    private readonly GpuQueue _gpu;
    private readonly BufferCache _buffers;
    private readonly ISurfaceBufferUser _user;
    private readonly GuestStatistics _statistics;
    private readonly Func<IReadOnlyList<DmabufTarget>> _choices;
    private readonly Action _changed;
    private readonly Dictionary<BufferStorage, List<GpuSource>> _sources = [];
    private readonly List<Target> _targets = [];
    private readonly DrawJob _draw;
    private BufferSize _size;
    private Target? _drawing;
    private Target? _drawn;
    private SurfaceBuffer? _drawnBuffer;
    private ulong _drawnSerial;
    private GpuFailure? _failure;
    private int _maxTargets = MaxTargets;
    private bool _isAllocating;
    private bool _isClosed;

    /// <summary>Makes the converter of a window.</summary>
    /// <param name="gpu">The connection's.</param>
    /// <param name="buffers">The connection's.</param>
    /// <param name="user">The surface.</param>
    /// <param name="statistics">Where to count.</param>
    /// <param name="choices">What the compositor prefers there now, best first. Asked for each new target.</param>
    /// <param name="changed">Told when it's worth trying again.</param>
    public GpuConverter(GpuQueue gpu, BufferCache buffers, ISurfaceBufferUser user, GuestStatistics statistics, Func<IReadOnlyList<DmabufTarget>> choices, Action changed)
    {
        _gpu = gpu;
        _buffers = buffers;
        _user = user;
        _statistics = statistics;
        _choices = choices;
        _changed = changed;
        _draw = new DrawJob(OnDrawn);
    }

    /// <summary>Whether a frame is being drawn, or was drawn and waits to be shown: no other should take its place, or none would ever be shown.</summary>
    /// <param name="serial">The frame's.</param>
    public bool Holds(ulong serial) => serial == _drawnSerial && (_drawing is not null || _drawn is not null);

    /// <summary>Turns a frame into one whose pixels are a target of ours, with its wl_buffer. The frame's own storage is unlocked then.</summary>
    /// <param name="frame">Changed in place when it is done. Its damage counts from the last converted frame.</param>
    /// <param name="buffer">Set if done.</param>
    /// <param name="failure">Set if failed.</param>
    public ConversionResult Convert(ref GuestFrame frame, out SurfaceBuffer? buffer, out GpuFailure? failure)
    {
        buffer = null;
        failure = _failure ?? _gpu.Failure;
        if (failure is not null)
            return ConversionResult.Failed;
        if (_drawing is not null || _isAllocating)
            return ConversionResult.Wait;
        if (_drawn is { } drawn)
        {
            _drawn = null;
            if (frame.Serial == _drawnSerial)
            {
                buffer = _drawnBuffer;
                Replace(ref frame, drawn);
                return ConversionResult.Done;
            }

            drawn.Stale = DamageList.Of(_size.Whole); // the guest had its buffer back while it was read
        }

        if (FindSource(in frame, out failure) is not { } source)
            return ConversionResult.Failed;
        if (frame.Source.Size != _size)
            DropTargets();
        _size = frame.Source.Size;
        if (FindFree() is not { } target)
            return TryAllocate(out failure) ? ConversionResult.Wait : ConversionResult.Failed;
        _drawnBuffer = _buffers.Get(_user, target.Storage, target.Gpu.View, _size.Whole, isOpaque: true);
        switch (_drawnBuffer?.State)
        {
            case ImportState.Ready:
                StartDrawing(in frame, source, target);
                return ConversionResult.Wait;
            case ImportState.Importing:
                return ConversionResult.Wait;
            default:
                failure = _failure = new GpuFailure($"the compositor doesn't take what the GPU would draw: {_drawnBuffer?.Report.Reason ?? target.Gpu.View.ToString()}");
                return ConversionResult.Failed;
        }
    }

    /// <summary>A frame was shown without conversion: what it changed is missing everywhere.</summary>
    public void Skip()
    {
        _drawn = null;
        foreach (var target in _targets)
            target.Stale = DamageList.Of(_size.Whole);
    }

    /// <summary>The window goes. What is being drawn is of no more use.</summary>
    public void Close()
    {
        _isClosed = true;
        DropTargets();
        foreach (var (storage, sources) in _sources)
        {
            storage.Unsubscribe(this);
            ReleaseAll(sources);
        }

        _sources.Clear();
    }

    void IBufferConsumer.OnClosed(BufferStorage storage)
    {
        if (_sources.Remove(storage, out var sources))
            ReleaseAll(sources);
    }

    private void StartDrawing(in GuestFrame frame, GpuSource source, Target target)
    {
        var damage = DamageOf(in frame);
        foreach (var each in _targets)
            each.Stale.Add(in damage);
        _drawing = target;
        _drawnSerial = frame.Serial;
        _draw.Prepare(source, frame.Source, target.Gpu, in target.Stale, frame.Acquire.Fence?.Duplicate<SyncFileHandle>());
        _gpu.Submit(_draw);
    }

    private void OnDrawn(GpuFailure? failure)
    {
        var target = _drawing!;
        _drawing = null;
        if (_isClosed)
            return;
        if (failure is null)
        {
            if (_draw.IsSoftware)
            {
                for (var i = 0; i < target.Stale.Count; i++)
                    _statistics.BytesCopied += target.Stale[i].Area * sizeof(uint);
            }

            target.Stale.Clear();
            _drawn = target;
        }
        else
        {
            target.Stale = DamageList.Of(_size.Whole);

            // What can't be imported is one buffer's own trouble, and found there by the next look; all else is the GPU's.
            if (_gpu.Failure is not null || _draw.Source?.Refusal is null)
                _failure = failure;
        }

        _changed();
    }

    private void Replace(ref GuestFrame frame, Target target)
    {
        var read = frame.Storage;
        target.Storage.Lock();
        frame.Damage = DamageOf(in frame);
        frame.Storage = target.Storage;
        frame.View = target.Gpu.View;
        frame.Source = _size.Whole;
        frame.Acquire.Fence?.Dispose(); // the GPU has waited for it
        frame.Acquire = SyncPoint.Signalled;
        read.Unlock();
    }

    private static DamageList DamageOf(in GuestFrame frame)
    {
        var damage = default(DamageList);
        for (var i = 0; i < frame.Damage.Count; i++)
            damage.Add(frame.Damage[i].Intersect(frame.Source).Offset(-frame.Source.X, -frame.Source.Y));
        return damage;
    }

    private GpuSource? FindSource(in GuestFrame frame, out GpuFailure? failure)
    {
        if (!_sources.TryGetValue(frame.Storage, out var list))
        {
            list = [];
            _sources.Add(frame.Storage, list);
            frame.Storage.Subscribe(this);
        }

        foreach (var known in list)
        {
            if (ReferenceEquals(known.View, frame.View))
            {
                failure = known.Refusal;
                return failure is null ? known : null;
            }
        }

        failure = Sampling.Refusal(frame.Storage, frame.View, MaxSide);
        if (failure is not null)
            return null;
        if (list.Count == MaxSourcesPerStorage)
        {
            _gpu.Submit(new ReleaseJob(list[0], null));
            list.RemoveAt(0);
        }

        if (TryDuplicatePlanes(frame.Storage) is not { } planes)
        {
            failure = new GpuFailure("this process has no file descriptor left", "raise its limit (ulimit -n)");
            return null;
        }

        var source = new GpuSource(planes, frame.View);
        list.Add(source);
        return source;
    }

    private static DmabufHandle[]? TryDuplicatePlanes(BufferStorage storage)
    {
        var planes = new List<DmabufHandle>(storage.PlaneCount);
        try
        {
            for (var i = 0; i < storage.PlaneCount; i++)
                planes.Add(storage.Plane(i).Duplicate<DmabufHandle>());
            return [.. planes];
        }
        catch (SyscallException)
        {
            foreach (var plane in planes)
                plane.Dispose();
            return null;
        }
    }

    private Target? FindFree()
    {
        foreach (var target in _targets)
        {
            if (target.Storage.LockCount == 0)
                return target;
        }

        return null;
    }

    /// <summary>Makes another target, if there may be one more.</summary>
    /// <returns>Whether one will be free sometime.</returns>
    private bool TryAllocate(out GpuFailure? failure)
    {
        failure = null;
        if (_targets.Count >= _maxTargets)
            return true;
        const uint strideAlignment = 256; // an estimate: what the driver adds, only it knows
        var bytes = ((((ulong)_size.Width * sizeof(uint)) + strideAlignment - 1) & ~(ulong)(strideAlignment - 1)) * (ulong)_size.Height;
        if (!_gpu.Budget.TryTake(bytes))
        {
            _maxTargets = _targets.Count;
            if (_targets.Count < MinTargets)
                failure = _failure = new GpuFailure($"another converted picture of {_size} would be more memory than a guest may have");
            return failure is null;
        }

        _isAllocating = true;
        _gpu.Submit(new AllocateJob(_size, _choices(), (target, refusal) => OnAllocated(target, refusal, bytes)));
        return true;
    }

    private void OnAllocated(GpuTarget? target, GpuFailure? failure, ulong bytes)
    {
        _isAllocating = false;
        if (target is null)
        {
            _gpu.Budget.Give(bytes);
            _maxTargets = _targets.Count;
            if (_targets.Count < MinTargets)
                _failure = failure;
        }
        else
        {
            var added = new Target(_gpu, target, bytes);
            if (_isClosed || target.View.Size != _size)
                added.Storage.Drop();
            else
                _targets.Add(added);
        }

        if (!_isClosed)
            _changed();
    }

    private void DropTargets()
    {
        foreach (var target in _targets)
            target.Storage.Drop();
        _targets.Clear();
        _maxTargets = MaxTargets;
        _drawn = null;
    }

    private void ReleaseAll(List<GpuSource> sources)
    {
        foreach (var source in sources)
            _gpu.Submit(new ReleaseJob(source, null));
    }

    /// <summary>A buffer that pictures are drawn into. What the GPU keeps of it goes when the compositor, too, is done with it.</summary>
    private sealed class Target : IBufferConsumer
    {
        public DamageList Stale;

        private readonly GpuQueue _gpu;
        private readonly ulong _bytes;

        public Target(GpuQueue gpu, GpuTarget target, ulong bytes)
        {
            _gpu = gpu;
            _bytes = bytes;
            Gpu = target;
            Storage = BufferStorage.FromDmabufs(target.Planes, null);
            Storage.Subscribe(this);
            Stale.Add(target.View.Size.Whole);
        }

        public GpuTarget Gpu { get; }

        public BufferStorage Storage { get; }

        void IBufferConsumer.OnClosed(BufferStorage storage)
        {
            _gpu.Budget.Give(_bytes);
            _gpu.Submit(new ReleaseJob(null, Gpu));
        }
    }
}
