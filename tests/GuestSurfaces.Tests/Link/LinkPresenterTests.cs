// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using GuestSurfaces.Link;
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Tests.Presentation;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GuestSurfaces.Tests.Link;

/// <summary>The whole way: a session, the link, a presenter, and a strict compositor.</summary>
[Collection(Alone.Name)]
public sealed class LinkPresenterTests
{
    [Fact]
    public void A_session_s_frames_reach_the_screen_and_come_back_when_the_presenter_does()
    {
        using var leaks = new FdLeakCheck();
        var clock = new VirtualClock();
        var timers = new TimerQueue(clock);
        var session = new Session(timers, new GuestStatistics(), new());
        using var hub = new LinkHub(timers, null, session, "Fedora", session.Statistics, NullLogger.Instance);
        session.Display = hub;
        using var first = new TestPicture(24, 16);
        using var second = new TestPicture(24, 16);
        first.FillPattern(1);
        second.FillPattern(2);

        for (var life = 0; life < 3; life++)
        {
            using var compositor = new FakeCompositor(new FakeCompositorOptions(), clock);
            using var viewer = new LinkViewer(timers, null, new LinkViewerOptions(), new GuestStatistics(), NullLogger.Instance);
            using var presenter = new WaylandPresenter(
                compositor.ClientConnection, timers, new FakeDmabufSync(), viewer, new PresenterOptions(), new GuestStatistics(), NullLogger.Instance);
            viewer.Display = presenter;
            var (a, b) = UnixSocketHandle.CreatePair(nonBlocking: true, SocketKind.Packets);
            hub.Add(a);
            viewer.Open(b);
            Pump();
            if (life > 0)
                Assert.Equal(Rgb(second), compositor.Toplevel.Render()); // the last frame is back
            Present(first);
            Assert.Equal(Rgb(first), compositor.Toplevel.Render());
            Present(second);
            Assert.Equal(Rgb(second), compositor.Toplevel.Render());

            // Its process is killed: the compositor sees the connection end, and so does the hub.
            viewer.Dispose();
            Pump();
            Assert.False(hub.IsControlled);

            void Present(TestPicture picture)
            {
                picture.Storage.Lock();
                session.Present(0, new()
                {
                    Storage = picture.Storage,
                    View = picture.View,
                    Source = picture.Whole,
                    Damage = Core.Frames.DamageList.Of(picture.Whole),
                    Serial = (ulong)session.Statistics.FramesReceived + 1,
                    PoppedNs = clock.NowNs,
                    Awaited = true,
                });
                Pump();
                clock.Advance(16_666_667);
                compositor.Dispatch();
                compositor.Refresh();
                Pump();
            }

            void Pump()
            {
                for (var i = 0; i < 6; i++)
                {
                    timers.RunDue();
                    hub.OnReady();
                    viewer.OnReady();
                    presenter.Dispatch();
                    compositor.Dispatch();
                }
            }
        }

        // The last one was on its way to the screen when its presenter was killed: time answers for it.
        clock.Advance(17_000_000);
        timers.RunDue();
        Assert.Equal((6, 5, 1, 0), (session.Statistics.FramesReceived, session.Statistics.FramesPresented, session.Statistics.FramesDropped, session.Statistics.UnprotectedFlips));
        Assert.Equal(5, session.Statistics.FlushToCommit.Count);
        hub.Dispose();
        Assert.Equal((0, 0), (first.Storage.LockCount, second.Storage.LockCount));
    }

    private static uint[] Rgb(TestPicture picture)
    {
        var pixels = new uint[24 * 16];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = picture.Get(i % 24, i / 24) & 0xff_ffff;
        return pixels;
    }
}
