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

    private sealed class Timeline : ITimeline
    {
        private readonly FakeTimelineDevice _device;
        private readonly FakeFences _fences;
        private readonly FakeTimeline _timeline;
        private readonly Action _told;
        private ulong _last;

        public Timeline(FakeTimelineDevice device, FakeFences fences, FakeTimeline timeline, Action? signalled)
        {
            _device = device;
            _fences = fences;
            _timeline = timeline;
            _told = () =>
            {
                if (!timeline.IsGivenUp)
                    signalled!();
            };
        }

        public FdHandle? TryExport(out Errno errno)
        {
            errno = Errno.None;
            return _timeline.File.Duplicate<MemFdHandle>();
        }

        public ulong Signalled => _timeline.Signalled;

        public Errno Signal(ulong point)
        {
            Rise(point);
            _timeline.Signal(point);
            return Errno.None;
        }

        public Errno SignalWith(SyncFileHandle fence, ulong point)
        {
            if (_fences.Find(fence) is not { } fake)
                return Errno.EINVAL;
            Rise(point);
            _timeline.SignalWith(fake, point);
            return Errno.None;
        }

        public Errno Tell(ulong point)
        {
            ObjectDisposedException.ThrowIf(_timeline.IsGivenUp, this);
            if (!_device.CanTell)
                return Errno.ENOMEM;
            _timeline.Tell(point, _told);
            return Errno.None;
        }

        public void Dispose()
        {
            ObjectDisposedException.ThrowIf(_timeline.IsGivenUp, this);
            _timeline.IsGivenUp = true;
        }

        private void Rise(ulong point)
        {
            ObjectDisposedException.ThrowIf(_timeline.IsGivenUp, this);
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(point, _last);
            _last = point;
        }
    }
}
