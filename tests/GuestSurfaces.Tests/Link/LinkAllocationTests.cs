// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using GuestSurfaces.Link;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Presentation;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GuestSurfaces.Tests.Link;

[Collection(Alone.Name)]
public sealed class LinkAllocationTests
{
    private const int Frames = 10_000;
    private const int WarmUp = 5000; // the runtime itself allocates once when it compiles the loop anew

    [Fact]
    public void Ten_thousand_frames_over_the_link_allocate_nothing()
    {
        var clock = new VirtualClock();
        var timers = new TimerQueue(clock);
        var events = new CountingEvents();
        using var hub = new LinkHub(timers, null, events, "quiet", new GuestStatistics(), NullLogger.Instance);
        using var viewer = new LinkViewer(timers, null, new LinkViewerOptions(), new GuestStatistics(), NullLogger.Instance);
        var display = new FlippingDisplay(viewer);
        viewer.Display = display;
        var (a, b) = UnixSocketHandle.CreatePair(nonBlocking: true, SocketKind.Packets);
        hub.Add(a);
        viewer.Open(b);
        TestPicture[] pictures = [new(32, 16), new(32, 16)];
        var before = 0L;
        for (var i = -WarmUp; i < Frames; i++)
        {
            if (i == 0)
                before = GC.GetAllocatedBytesForCurrentThread();
            var picture = pictures[i & 1];
            picture.Storage.Lock();
            var frame = new GuestFrame
            {
                Storage = picture.Storage,
                View = picture.View,
                Source = new BufferRect(0, 0, 32, 16),
                Damage = DamageList.Of(new BufferRect(i & 15, 3, 8, 8)),
                Serial = (ulong)(i + WarmUp + 1),
            };
            hub.Present(0, in frame);
            hub.MoveCursor(0, i, 4);
            for (var turn = 0; turn < 2; turn++)
            {
                timers.RunDue();
                hub.OnReady();
                viewer.OnReady();
            }

            timers.RunDue();
            hub.OnReady();
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(0, allocated);
        Assert.InRange(events.Latched, Frames + WarmUp - 4, Frames + WarmUp);
        display.LetGo();
        hub.Dispose();
        foreach (var picture in pictures)
            picture.Dispose();
    }

    private sealed class CountingEvents : IDisplayEvents
    {
        public int Latched { get; private set; }

        void IDisplayEvents.Committed(int scanout, ulong serial)
        {
        }

        void IDisplayEvents.Latched(int scanout, ulong serial, long timeNs) => Latched++;

        void IDisplayEvents.Superseded(int scanout, ulong serial)
        {
        }

        void IDisplayEvents.ModeWanted(int scanout, in OutputMode mode)
        {
        }

        void IDisplayEvents.CloseWanted(int scanout)
        {
        }
    }

    /// <summary>Latches at once, and lets go of the frame before.</summary>
    private sealed class FlippingDisplay(IDisplayEvents events) : IGuestDisplay
    {
        private BufferStorage? _shown;

        public void Present(int scanout, in GuestFrame frame)
        {
            events.Committed(scanout, frame.Serial);
            events.Latched(scanout, frame.Serial, 1);
            LetGo();
            _shown = frame.Storage;
        }

        public void LetGo() => _shown?.Unlock();

        public void Disable(int scanout)
        {
        }

        public void Blank(int scanout)
        {
        }

        public void SetCursor(int scanout, in CursorImage image, int x, int y) => image.Storage?.Unlock();

        public void MoveCursor(int scanout, int x, int y)
        {
        }
    }
}
