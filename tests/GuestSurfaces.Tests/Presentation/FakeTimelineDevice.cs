// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Sync;
using GuestSurfaces.Testing.Presentation;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>The client's side of a kernel's timelines.</summary>
internal sealed class FakeTimelineDevice(FakeTimelines timelines, FakeFences fences) : ITimelineDevice
{
    /// <summary>How many more it makes.</summary>
    public int Left { get; set; } = int.MaxValue;

    /// <summary>Whether it tells of points.</summary>
    public bool CanTell { get; set; } = true;

    public bool IsDisposed { get; private set; }

    public ITimeline? TryCreate(Action? signalled, out Errno errno)
    {
        errno = Left-- > 0 ? Errno.None : Errno.ENOMEM;
        return errno == Errno.None ? new Timeline(this, fences, timelines.Create(), signalled) : null;
    }

    public void Dispose() => IsDisposed = true;

    private sealed class Timeline(FakeTimelineDevice device, FakeFences fences, FakeTimeline timeline, Action? signalled) : ITimeline
    {
        private readonly List<ulong> _points = [0];

        public FdHandle File => timeline.File;

        public ulong Signalled => timeline.Signalled;

        public Errno Signal(ulong point)
        {
            Rise(point);
            timeline.Signal(point);
            return Errno.None;
        }

        public Errno SignalWith(SyncFileHandle fence, ulong point)
        {
            if (fences.Find(fence) is not { } fake)
                return Errno.EINVAL;
            Rise(point);
            timeline.SignalWith(fake, point);
            return Errno.None;
        }

        public Errno Tell(ulong point)
        {
            ObjectDisposedException.ThrowIf(timeline.IsGivenUp, this);
            if (!device.CanTell)
                return Errno.ENOMEM;
            timeline.Tell(point, () =>
            {
                if (!timeline.IsGivenUp)
                    signalled!();
            });
            return Errno.None;
        }

        public void Dispose()
        {
            ObjectDisposedException.ThrowIf(timeline.IsGivenUp, this);
            timeline.IsGivenUp = true;
        }

        private void Rise(ulong point)
        {
            ObjectDisposedException.ThrowIf(timeline.IsGivenUp, this);
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(point, _points[^1]);
            _points.Add(point);
        }
    }
}
