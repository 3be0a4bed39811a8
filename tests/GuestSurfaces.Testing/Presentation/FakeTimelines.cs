// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>The kernel's timelines for tests, on both sides of a connection: what one signals, the other sees.</summary>
public sealed class FakeTimelines : IDisposable
{
    private readonly List<FakeTimeline> _all = [];
    private readonly Queue<Action> _due = [];

    /// <summary>Those that nobody on the client's side has given up.</summary>
    public int Open => _all.Count(static timeline => !timeline.IsGivenUp);

    public FakeTimeline Create()
    {
        var timeline = new FakeTimeline(_due);
        _all.Add(timeline);
        return timeline;
    }

    /// <summary>Which timeline a file is; null if it is none.</summary>
    public FakeTimeline? Find(FdHandle file)
    {
        var identity = file.GetIdentity();
        return _all.Find(timeline => timeline.File.GetIdentity() == identity);
    }

    /// <summary>The loop's turn: whoever asked to be told is told.</summary>
    public void Deliver()
    {
        while (_due.TryDequeue(out var action))
            action();
    }

    public void Dispose()
    {
        foreach (var timeline in _all)
            timeline.File.Dispose();
    }
}

/// <summary>One timeline.</summary>
public sealed class FakeTimeline(Queue<Action> due)
{
    private readonly List<(ulong Point, FakeFence Fence)> _fences = [];
    private readonly List<(ulong Point, Action Action)> _asked = [];

    public MemFdHandle File { get; } = MemFdHandle.TryCreateSealed("timeline", 4096, out _)!;

    public ulong Signalled { get; private set; }

    public bool IsGivenUp { get; set; }

    public bool IsSignalled(ulong point) => Signalled >= point;

    /// <summary>A point signals, and with it all before.</summary>
    public void Signal(ulong point)
    {
        Signalled = Math.Max(Signalled, point);
        foreach (var (_, action) in _asked.Where(asked => asked.Point <= Signalled))
            due.Enqueue(action);
        _asked.RemoveAll(asked => asked.Point <= Signalled);
    }

    /// <summary>A point signals when its fence and all before it have.</summary>
    public void SignalWith(FakeFence fence, ulong point)
    {
        _fences.Add((point, fence));
        if (fence.IsSignalled)
            OnFence();
        else
            fence.Waiting.Add(OnFence);
    }

    public void Tell(ulong point, Action action)
    {
        if (IsSignalled(point))
            due.Enqueue(action);
        else
            _asked.Add((point, action));
    }

    private void OnFence()
    {
        while (_fences.Count > 0 && _fences[0].Fence.IsSignalled)
        {
            Signal(_fences[0].Point);
            _fences.RemoveAt(0);
        }
    }
}
