// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Presentation.Conversion;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>A GPU that draws by hand, when the test says so: jobs wait for <see cref="Run"/>. Its dma-bufs are memfds.</summary>
internal sealed class FakeGpu : IGpuRunner, IGpuDevice
{
    private readonly Queue<GpuJob> _jobs = [];
    private readonly Dictionary<GpuSource, SharedRegion> _sources = [];
    private readonly Dictionary<GpuTarget, SharedRegion> _targets = [];
    private byte[] _row = [];

    /// <summary>Why there is no GPU at all.</summary>
    public GpuFailure? Missing { get; set; }

    /// <summary>Why nothing is drawn.</summary>
    public GpuFailure? DrawFails { get; set; }

    /// <summary>Why no picture of the guest's can be read.</summary>
    public GpuFailure? ImportFails { get; set; }

    /// <summary>How many targets there is memory for.</summary>
    public int TargetsLeft { get; set; } = int.MaxValue;

    /// <summary>Whether jobs stay undone.</summary>
    public bool Hangs { get; set; }

    /// <summary>Whether it is the drawing that isn't done.</summary>
    public bool DrawHangs { get; set; }

    public bool IsSoftware { get; set; }

    public bool IsClosed { get; private set; }

    public int Jobs => _jobs.Count;

    public int Sources => _sources.Count;

    public int Targets => _targets.Count;

    /// <summary>Every draw: its crop and its rectangles.</summary>
    public List<(BufferRect Crop, BufferRect[] Rects)> Draws { get; } = [];

    /// <summary>Bytes that the loop's side allocated when it heard of finished jobs.</summary>
    public long Allocated { get; private set; }

    public Action<GpuJob>? Finished { get; set; }

    /// <summary>Does what waits.</summary>
    /// <returns>Whether there was something.</returns>
    public bool Run()
    {
        var hasRun = false;
        while (!Hangs && _jobs.TryPeek(out var job) && !(DrawHangs && job is DrawJob))
        {
            Finish(_jobs.Dequeue());
            hasRun = true;
        }

        return hasRun;
    }

    /// <summary>A driver that hung goes on: its job is finished, whoever still waits.</summary>
    public void FinishLate()
    {
        while (_jobs.TryDequeue(out var job))
            Finish(job);
    }

    /// <summary>A pixel as XRGB.</summary>
    public static uint ToXrgb(uint p, DrmFormat format) => format.ToString() switch
    {
        "XB24" => (p & 0xff00) | ((p & 0xff) << 16) | ((p >> 16) & 0xff),
        "RX24" => p >> 8,
        "BX24" => ((p >> 24) & 0xff) | ((p >> 8) & 0xff00) | ((p & 0xff00) << 8),
        _ => p,
    };

    void IGpuRunner.Start(GpuJob job) => _jobs.Enqueue(job);

    void IGpuRunner.Close() => IsClosed = true;

    GpuTarget? IGpuDevice.TryAllocate(BufferSize size, IReadOnlyList<DmabufTarget> choices, out GpuFailure? failure)
    {
        failure = TargetsLeft-- > 0 ? null : new GpuFailure("video memory has run out");
        if (failure is not null)
            return null;
        var stride = ((uint)size.Width * 4) + 64;
        var memory = MemFdHandle.TryCreateSealed("fake-target", stride * (ulong)size.Height, out _)!;
        var target = new GpuTarget([memory.Duplicate<DmabufHandle>()], new BufferView(size, choices[0].Format, choices[0].Modifiers[0], 0, stride));
        _targets.Add(target, SharedRegion.TryOpen(memory, 0, memory.GetSizeBytes(), mayMap: true, out _)!);
        return target;
    }

    GpuFailure? IGpuDevice.TryDraw(GpuSource source, BufferRect crop, GpuTarget target, in DamageList rects)
    {
        if (ImportFails is not null)
            return source.Refusal = ImportFails;
        if (DrawFails is not null)
            return DrawFails;
        if (!_sources.TryGetValue(source, out var from))
        {
            var plane = source.Planes[0].Duplicate<DmabufHandle>();
            from = SharedRegion.TryOpen(plane, 0, plane.GetSizeBytes(), mayMap: true, out _)!;
            source.ClosePlanes();
            _sources.Add(source, from);
        }

        var list = new BufferRect[rects.Count];
        for (var i = 0; i < list.Length; i++)
        {
            list[i] = rects[i];
            for (var y = list[i].Y; y < list[i].Bottom; y++)
                DrawRow(source.View, from, crop, target.View, _targets[target], list[i] with { Y = y, Height = 1 });
        }

        Draws.Add((crop, list));
        return null;
    }

    void IGpuDevice.Release(GpuSource source)
    {
        source.ClosePlanes();
        if (_sources.Remove(source, out var region))
            region.Dispose();
    }

    void IGpuDevice.Release(GpuTarget target)
    {
        if (_targets.Remove(target, out var region))
            region.Dispose();
    }

    public void Dispose()
    {
    }

    private void Finish(GpuJob job)
    {
        job.Failure = Missing ?? job.Run(this);
        var before = GC.GetAllocatedBytesForCurrentThread();
        if (IsClosed)
            job.Discard();
        else
            Finished?.Invoke(job);
        Allocated += GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private void DrawRow(BufferView fromView, SharedRegion from, BufferRect crop, BufferView toView, SharedRegion to, BufferRect row)
    {
        if (_row.Length < row.Width * 4)
            _row = new byte[row.Width * 4];
        var bytes = _row.AsSpan(0, row.Width * 4);
        var plane = fromView.Plane(0);
        from.TryRead(plane.OffsetBytes + ((ulong)(crop.Y + row.Y) * plane.StrideBytes) + ((ulong)(crop.X + row.X) * 4), bytes);
        foreach (ref var pixel in MemoryMarshal.Cast<byte, uint>(bytes))
            pixel = ToXrgb(pixel, fromView.Format.Opaque);
        to.TryWrite(((ulong)row.Y * toView.Plane(0).StrideBytes) + ((ulong)row.X * 4), bytes);
    }
}
