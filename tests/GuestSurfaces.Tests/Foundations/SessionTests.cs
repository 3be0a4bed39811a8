// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Gpu;
using Xunit;

namespace GuestSurfaces.Tests.Foundations;

/// <summary>The session's policy: every frame is settled, whoever looks.</summary>
public sealed class SessionTests : IGuestTransport, IDisposable
{
    private const long Ms = 1_000_000;
    private readonly VirtualClock _clock = new();
    private readonly TimerQueue _timers;
    private readonly Session _session;
    private readonly RecordingDisplay _display = new() { OnlyCounts = true };
    private readonly BufferStorage _storage = BufferStorage.TryAllocate("guest-surfaces-test", 4096, null, out _)!;
    private readonly BufferView _view = new(new BufferSize(32, 32), DrmFormat.Xrgb8888, DrmModifier.Linear, 0, 128);
    private readonly List<(int Scanout, ulong Serial)> _settled = [];
    private readonly List<(int Scanout, OutputMode Mode)> _modes = [];
    private int _displayChanges;

    public SessionTests()
    {
        _timers = new TimerQueue(_clock);
        _session = new Session(_timers, new GuestStatistics(), new Limits()) { Transport = this, Display = _display };
    }

    public void Dispose()
    {
        Assert.Equal(0, _storage.LockCount);
        _storage.Drop();
    }

    [Fact]
    public void A_latched_frame_is_settled_once_and_its_timer_is_off()
    {
        Present(0, 1);
        _session.Latched(0, 1, _clock.NowNs);
        Run(100 * Ms);
        Assert.Equal([(0, 1ul)], _settled);
        Assert.Equal((1L, 1L, 0L), (_session.Statistics.FramesReceived, _session.Statistics.FramesPresented, _session.Statistics.LateFlips));
    }

    [Fact]
    public void A_closed_window_of_several_is_an_unplugged_monitor_until_somebody_opens_them_again_and_the_last_one_is_the_programs()
    {
        var closed = new List<int>();
        _session.WindowClosed = closed.Add;
        Present(0, 1);
        Present(1, 2);
        _session.CloseWanted(0);
        Assert.Equal([(0, default(OutputMode))], _modes);
        _session.CloseWanted(1); // the guest hasn't turned the other one off yet
        Assert.Equal([1], closed);
        _session.Opened();
        _session.Opened();
        Assert.Equal((0, new OutputMode(default, 0, 0, 0, Enabled: true)), _modes[^1]);
        Assert.Equal(2, _modes.Count);
        Run(100 * Ms);
    }

    [Fact]
    public void A_frame_that_nobody_shows_is_settled_by_the_timer_and_counted_if_it_was_awaited()
    {
        Present(0, 1);
        Present(1, 2, awaited: false);
        Run(34 * Ms);
        Assert.Empty(_settled);
        Run(Ms);
        Assert.Equal([(0, 1ul), (1, 2ul)], _settled);
        Assert.Equal(1, _session.Statistics.LateFlips);
    }

    [Fact]
    public void Without_a_display_frames_are_let_go_and_settled()
    {
        _session.Display = null;
        Present(0, 1);
        Assert.Equal(0, _storage.LockCount);
        Run(35 * Ms);
        Assert.Equal([(0, 1ul)], _settled);
    }

    [Fact]
    public void A_superseded_frame_is_settled_and_its_successor_waits_on()
    {
        Present(0, 1);
        Present(0, 2);
        _session.Superseded(0, 1);
        Assert.Equal([(0, 1ul)], _settled);
        Run(35 * Ms);
        Assert.Equal([(0, 1ul), (0, 2ul)], _settled);
        Assert.Equal(1, _session.Statistics.FramesDropped);
    }

    [Fact]
    public void The_time_of_a_later_frame_begins_when_it_was_popped()
    {
        Present(0, 1);
        Run(20 * Ms);
        Present(0, 2);
        Run(10 * Ms);
        _session.Latched(0, 1, _clock.NowNs);
        Run(24 * Ms);
        Assert.Equal([(0, 1ul)], _settled);
        Run(Ms);
        Assert.Equal([(0, 1ul), (0, 2ul)], _settled);
    }

    [Fact]
    public void Every_frame_has_its_own_time_however_many_follow_it()
    {
        Present(0, 1);
        Run(20 * Ms);
        Present(0, 2);
        Run(14 * Ms);
        Present(0, 3);
        _session.Latched(0, 1, _clock.NowNs);
        Run(20 * Ms); // 54: frame 2 is 34 old
        Assert.Equal([(0, 1ul)], _settled);
        Run(Ms);
        Assert.Equal([(0, 1ul), (0, 2ul)], _settled);
        Run(13 * Ms); // 68: frame 3 is 34 old
        Assert.Equal([(0, 1ul), (0, 2ul)], _settled);
        Run(Ms);
        Assert.Equal([(0, 1ul), (0, 2ul), (0, 3ul)], _settled);
        Assert.Equal(2, _session.Statistics.LateFlips);
    }

    [Fact]
    public void A_superseded_frame_does_not_settle_an_earlier_one_that_is_on_its_way()
    {
        Present(0, 1); // committed
        Present(0, 2);
        Present(0, 3);
        _session.Superseded(0, 2);
        Assert.Empty(_settled);
        _session.Latched(0, 1, _clock.NowNs);
        Assert.Equal([(0, 2ul)], _settled);
        _session.Latched(0, 3, _clock.NowNs);
        _session.Latched(0, 3, _clock.NowNs); // a second word is ignored
        _session.Superseded(0, 1);
        Run(100 * Ms);
        Assert.Equal([(0, 2ul), (0, 3ul)], _settled);
        Assert.Equal(0, _session.Statistics.LateFlips);
    }

    [Fact]
    public void More_frames_than_any_display_keeps_are_settled_in_time_too()
    {
        for (ulong serial = 1; serial <= 100; serial++)
            Present(0, serial);
        Run(35 * Ms);
        Assert.Equal((0, 100ul), _settled[^1]);
        Assert.Equal(100, _session.Statistics.LateFlips);
    }

    [Fact]
    public void Frames_of_a_guest_that_is_gone_are_settled_and_never_counted_for_the_next()
    {
        Present(0, 1);
        _session.CloseWindows();
        Assert.Equal([(0, 1ul)], _settled);
        _session.Superseded(0, 1); // the display's word comes late
        Run(100 * Ms);
        Present(0, 2);
        Run(35 * Ms);
        Assert.Equal([(0, 1ul), (0, 2ul)], _settled);
        Assert.Equal(1, _session.Statistics.LateFlips);
    }

    [Fact]
    public void A_fast_monitor_holds_for_two_refreshes()
    {
        _session.ModeWanted(0, new OutputMode(new BufferSize(64, 64), 144_000, 0, 0, true));
        Present(0, 1);
        Run(14 * Ms);
        Assert.Equal([(0, 1ul)], _settled);
        Assert.Equal(0, _modes[0].Scanout);
    }

    [Fact]
    public void A_blanked_screen_keeps_its_window_and_a_quick_one_keeps_its_picture()
    {
        Present(0, 1);
        _session.Disable(0);
        Run(99 * Ms);
        Present(0, 2); // the driver has changed its framebuffer
        Run(200 * Ms);
        Assert.Empty(_display.Disabled);
        _session.Disable(0);
        Run(100 * Ms);
        Assert.Equal([0], _display.Disabled); // blanked: the only scanout
    }

    [Fact]
    public void Latency_is_counted_from_the_pop_to_the_commit()
    {
        Present(0, 1);
        Run(5 * Ms);
        _session.Committed(0, 1);
        _session.Committed(0, 99); // unknown
        Assert.Equal((1L, 5 * Ms), (_session.Statistics.FlushToCommit.Count, _session.Statistics.FlushToCommit.MaxNs));
    }

    [Fact]
    public void Closing_windows_turns_every_scanout_off()
    {
        Present(3, 1);
        _session.CloseWindows();
        Assert.Equal(Limits.MaxScanouts, _display.Disabled.Count);
        var closed = -1;
        _session.WindowClosed = s => closed = s;
        _session.CloseWanted(3);
        Assert.Equal(3, closed);
    }

    [Fact]
    public void Guests_side_hears_that_refused_buffers_may_be_tried_again()
    {
        _session.DisplayChanged();
        Assert.Equal(1, _displayChanges);
        _session.Transport = null;
        _session.DisplayChanged();
    }

    [Fact]
    public void A_display_that_throws_is_done_with_and_the_guest_runs_on()
    {
        Exception? failure = null;
        _display.Presented = (_, _) => throw new NotSupportedException("a bug");
        _storage.Lock();
        var frame = new GuestFrame { Storage = _storage, View = _view, Source = _view.Size.Whole, Serial = 1, PoppedNs = _clock.NowNs, Awaited = true };
        Assert.Throws<NotSupportedException>(() => _session.Present(0, in frame)); // nobody wants to know
        _session.DisplayFailed = e => failure = e;
        Present(0, 2);
        Assert.IsType<NotSupportedException>(failure);
        Assert.Null(_session.Display);
        Present(0, 3);
        Run(35 * Ms);
        Assert.Equal([(0, 3ul)], _settled);
        Assert.Equal(2, _display.FrameCount);
    }

    [Fact]
    public void More_buffers_than_there_is_room_for_are_forgotten_one_by_one_and_counted()
    {
        using var file = MemFdHandle.TryCreateSealed("no-dma-buf", 4096, out _)!;
        _display.Holds = true;
        var storages = Enumerable.Range(0, 10).Select(_ => BufferStorage.FromDmabufs([file.Duplicate<DmabufHandle>()], null)).ToArray();
        for (ulong serial = 1; serial <= 10; serial++)
        {
            Present(0, serial, awaited: false, storages[serial - 1]);
            _session.Latched(0, serial, _clock.NowNs);
            Run(35 * Ms);
            Assert.Equal((0, serial), _settled[^1]);
        }

        Assert.Equal(2, _session.Statistics.UnprotectedFlips); // the two that nobody waits for any more
        for (var i = 2; i < 10; i++)
            storages[i].Unlock();
        Present(0, 11, awaited: true, storages[9]);
        _session.Latched(0, 11, _clock.NowNs);
        Assert.Equal((0, 11ul), _settled[^1]);
        storages[9].Unlock();
        storages[0].Unlock();
        storages[1].Unlock();
        Assert.Equal(11, _settled.Count);
        foreach (var storage in storages)
            storage.Drop();
    }

    [Fact]
    public void A_frame_that_shares_a_place_is_not_answered_when_only_the_last_of_them_is_done()
    {
        for (ulong serial = 1; serial <= 9; serial++)
            Present(0, serial);
        for (ulong serial = 1; serial <= 7; serial++)
            _session.Superseded(0, serial);
        _session.Superseded(0, 9); // 8 is still on its way
        Assert.Equal((0, 7ul), _settled[^1]);
        _session.Latched(0, 9, _clock.NowNs);
        Assert.Equal((0, 9ul), _settled[^1]);
    }

    void IGuestTransport.FrameSettled(int scanout, ulong serial) => _settled.Add((scanout, serial));

    void IGuestTransport.SetMode(int scanout, in OutputMode mode) => _modes.Add((scanout, mode));

    void IGuestTransport.DisplayChanged() => _displayChanges++;

    private void Present(int scanout, ulong serial, bool awaited = true, BufferStorage? storage = null)
    {
        storage ??= _storage;
        storage.Lock();
        var frame = new GuestFrame { Storage = storage, View = _view, Source = _view.Size.Whole, Serial = serial, PoppedNs = _clock.NowNs, Awaited = awaited };
        _session.Present(scanout, in frame);
    }

    private void Run(long ns)
    {
        var until = _clock.NowNs + ns;
        while (_timers.NextDueNs <= until)
        {
            _clock.Advance(Math.Max(_timers.NextDueNs - _clock.NowNs, 0));
            _timers.RunDue();
        }

        _clock.Advance(Math.Max(until - _clock.NowNs, 0));
    }
}
