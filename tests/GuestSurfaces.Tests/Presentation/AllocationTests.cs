// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Presentation;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

[Collection(Alone.Name)]
public class AllocationTests
{
    private const int Frames = 10_000;
    private const int WarmUp = 3000; // the runtime itself allocates when it compiles what runs often anew

    // A million with the lab, which takes a minute each; GS_FLIPS says otherwise.
    private static readonly int s_flips = int.TryParse(Environment.GetEnvironmentVariable("GS_FLIPS"), out var flips) ? flips
        : Environment.GetEnvironmentVariable("GS_LAB") == "1" ? 1_000_000 : Frames;

    private static int s_collections;

    [Theory]
    [InlineData("XR24", ReleaseMode.WhenReplaced, 2, 0u)]
    [InlineData("XR24", ReleaseMode.AtRefresh, 2, 0u)]
    [InlineData("XR24", ReleaseMode.WhenReplaced, 1, 0u)]
    [InlineData("XB24", ReleaseMode.WhenReplaced, 2, 0u)]
    [InlineData("XR24", ReleaseMode.WhenReplaced, 2, 3u)]
    [InlineData("XR24", ReleaseMode.WhenReplaced, 2, 5u)]
    [InlineData("XB24", ReleaseMode.WhenReplaced, 2, 5u)]
    public void Ten_thousand_frames_allocate_nothing_in_the_presenter(string format, ReleaseMode release, int buffers, uint dmabufVersion)
    {
        var clock = new VirtualClock();
        using var compositor = new FakeCompositor(new FakeCompositorOptions { Release = release, DmabufVersion = dmabufVersion }, clock);
        var gpu = new FakeGpu();
        var events = new SilentEvents();
        var statistics = new GuestStatistics();
        using var presenter = new WaylandPresenter(compositor.ClientConnection, new TimerQueue(clock), new FakeDmabufSync(), events, new PresenterOptions(), statistics, NullLogger.Instance, _ => gpu);
        for (var i = 0; i < 4; i++)
        {
            presenter.Dispatch();
            compositor.Dispatch();
        }

        var pictures = Enumerable.Range(0, buffers).Select(_ => new TestPicture(32, 32, DrmFormat.FromLetters(format), isDmabuf: dmabufVersion > 0)).ToArray();
        var allocated = 0L;
        for (var i = -WarmUp; i < Frames; i++)
        {
            // The compositor shares the thread and may allocate: only the presenter's halves are measured.
            var before = Begin();
            var picture = pictures[(i + WarmUp) % buffers];
            picture.Storage.Lock();
            var frame = new GuestFrame
            {
                Storage = picture.Storage,
                View = picture.View,
                Source = new BufferRect(0, 0, 32, 32),
                Damage = DamageList.Of(new BufferRect(i & 15, 3, 8, 8)),
                Serial = (ulong)(i + WarmUp + 1),
            };
            presenter.Present(0, in frame);
            presenter.MoveCursor(0, i & 15, 4);
            allocated += Counted(i, before);
            before = gpu.Allocated;
            gpu.Run();
            allocated += i < 0 ? 0 : gpu.Allocated - before;

            compositor.Dispatch();
            clock.Advance(16_666_667);
            compositor.Refresh();
            compositor.Dispatch();

            before = Begin();
            presenter.Dispatch();
            allocated += Counted(i, before);
            compositor.Dispatch();
        }

        var isConverted = dmabufVersion > 0 && format != "XR24";
        Assert.Equal(isConverted ? Rung.Convert : dmabufVersion > 0 ? Rung.Direct : Rung.Copy, statistics.Rung.Rung);

        // The first ones wait for the window.
        Assert.InRange(events.Latched, Frames + WarmUp - 8, Frames + WarmUp);
        Assert.Equal(0, allocated);
        Assert.Equal(isConverted, gpu.Draws.Count > Frames);
    }

    [Theory]
    [InlineData(false, "implicit")]
    [InlineData(true, "implicit")]
    [InlineData(false, "linux-explicit-synchronization")]
    [InlineData(false, "linux-drm-syncobj")]
    public void Flips_between_dma_bufs_allocate_nothing_in_session_and_presenter_and_leave_nothing_behind(bool gpuIsSlow, string sync)
    {
        using var leaks = new FdLeakCheck();
        using var f = new FlipFixture(new FakeCompositorOptions
        {
            DmabufVersion = 4,
            Timelines = sync == "linux-drm-syncobj" ? new FakeTimelines() : null,
            Fences = sync == "linux-explicit-synchronization" ? new FakeFences() : null,
        });
        using var a = FlipFixture.Dmabuf();
        using var b = FlipFixture.Dmabuf();
        TestPicture[] pictures = [a, b];
        f.Answers.Capacity = 2000;
        var answers = 0;
        var residentBytes = 0L;
        for (var i = 0; i < 4; i++)
        {
            f.Flip(pictures[i % 2]);
            f.Refresh();
        }

        var allocated = 0L;
        for (var i = -WarmUp; i < s_flips; i++)
        {
            if (i == s_flips / 10)
                residentBytes = ResidentBytes();
            if (f.Answers.Count > 1000)
            {
                answers += f.Answers.Count;
                f.Answers.Clear();
            }

            var shown = pictures[(i + WarmUp + 1) % 2].Storage;
            if (gpuIsSlow && i > -WarmUp)
                f.Gpu.Begin(shown);
            var before = Begin();
            f.Present(pictures[(i + WarmUp) % 2]);
            f.Presenter.Dispatch();
            allocated += Counted(i, before);

            f.Compositor.Dispatch();
            f.Clock.Advance(16_666_667);
            f.Compositor.Refresh();
            f.Compositor.Dispatch();

            before = Begin();
            f.Presenter.Dispatch();
            f.Compositor.Options.Timelines?.Deliver();
            f.Gpu.End(shown);
            f.Pass(0);
            allocated += Counted(i, before);
            f.Compositor.Dispatch();
        }

        Assert.Equal(sync, f.Statistics.SyncMode);
        Assert.Equal(sync == "linux-drm-syncobj" ? 3 : 0, f.Compositor.ImportedTimelines); // one of each buffer, and one that is always ready
        answers += f.Answers.Count;
        Assert.Equal(s_flips + WarmUp + 4, answers);
        Assert.InRange(f.Statistics.ReleaseWaits, s_flips, answers); // the callback comes before the release
        Assert.Equal(gpuIsSlow ? 2 : 0, f.Gpu.Watches);
        Assert.Equal(0, f.Statistics.UnprotectedFlips);
        Assert.Equal(0, allocated);
        Assert.InRange(ResidentBytes() - residentBytes, long.MinValue, 8 << 20); // the fakes' garbage comes and goes
    }

    private static long ResidentBytes()
    {
        GC.Collect();
        return Environment.WorkingSet;
    }

    // A collection (the fakes' garbage brings some) charges the thread with what is left of its allocation buffer, up to 8 KiB: such a turn tells nothing.
    // What allocates in each frame is still seen in all others.
    private static long Begin()
    {
        s_collections = GC.CollectionCount(0);
        return GC.GetAllocatedBytesForCurrentThread();
    }

    private static long Counted(int frame, long before)
    {
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        return frame < 0 || GC.CollectionCount(0) != s_collections ? 0 : allocated;
    }

    private sealed class SilentEvents : IDisplayEvents
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
}
