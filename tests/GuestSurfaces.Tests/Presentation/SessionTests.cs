// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
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

/// <summary>Session and presenter together: the guest is answered whatever the window does.</summary>
public sealed class SessionTests : IGuestTransport, IDisposable
{
    private readonly VirtualClock _clock = new();
    private readonly TimerQueue _timers;
    private readonly FakeCompositor _compositor;
    private readonly Session _session;
    private readonly WaylandPresenter _presenter;
    private readonly List<ulong> _settled = [];
    private readonly List<string> _refused = [];
    private ulong _serial;
    private TestPicture? _answerWith;

    public SessionTests()
    {
        _timers = new TimerQueue(_clock);
        _compositor = new FakeCompositor(new FakeCompositorOptions(), _clock);
        var statistics = new GuestStatistics();
        _session = new Session(_timers, statistics, new Limits()) { Transport = this };
        _presenter = new WaylandPresenter(_compositor.ClientConnection, _timers, new FakeDmabufSync(), _session, new PresenterOptions(), statistics, NullLogger.Instance);
        _session.Display = _presenter;
        Pump();
    }

    [Fact]
    public void Guest_of_a_hidden_window_is_answered_by_the_timer_after_two_refreshes()
    {
        Present(new TestPicture(40, 30));
        _compositor.EnterOutput(_compositor.Toplevel.Surface);
        Pump();
        _compositor.Refresh();
        Pump();
        Assert.Equal([1UL], _settled);

        Present(new TestPicture(40, 30));
        _compositor.Refresh();
        Pump();
        Present(new TestPicture(40, 30)); // from here on nothing refreshes
        Pass(33_000_000);
        Assert.DoesNotContain(3UL, _settled);
        Pass(1_000_000);
        Assert.Contains(3UL, _settled);
        Assert.Equal(1, _session.Statistics.LateFlips);
    }

    [Fact]
    public void Transport_that_presents_again_from_within_the_answer_is_served()
    {
        _answerWith = new TestPicture(40, 30);
        Present(new TestPicture(40, 30));
        for (var i = 0; i < 10; i++)
        {
            _compositor.Refresh();
            Pump();
        }

        Assert.InRange(_settled.Count, 9, 11);
        Assert.Equal(_settled.Order().Distinct(), _settled);
    }

    [Fact]
    public void Transport_that_answers_a_refusal_with_another_frame_at_once_is_served()
    {
        _answerWith = new TestPicture(40, 30).FillPattern();
        Present(new TestPicture(40, 30, isDmabuf: true));
        Assert.Equal(["the compositor offers no linux-dmabuf"], _refused);
        _answerWith.Memory.TryRead(0, out uint first);
        Assert.Equal(first & 0xff_ffff, _compositor.Toplevel.Render()[0]);
    }

    void IGuestTransport.FrameSettled(int scanout, ulong serial)
    {
        _settled.Add(serial);
        if (_answerWith is { } picture && _refused.Count == 0)
            Present(picture, pump: false);
    }

    void IGuestTransport.SetMode(int scanout, in OutputMode mode)
    {
    }

    void IGuestTransport.BufferRefused(int scanout, BufferStorage storage, string reason)
    {
        _refused.Add(reason);
        Present(_answerWith!, pump: false);
    }

    public void Dispose()
    {
        _presenter.Dispose();
        _compositor.Dispose();
    }

    private void Present(TestPicture picture, bool pump = true)
    {
        picture.Storage.Lock();
        _session.Present(0, new GuestFrame
        {
            Storage = picture.Storage,
            View = picture.View,
            Source = picture.Whole,
            Damage = DamageList.Of(picture.Whole),
            Serial = ++_serial,
            PoppedNs = _clock.NowNs,
            Awaited = true,
        });
        if (pump)
            Pump();
    }

    private void Pass(long ns)
    {
        _clock.Advance(ns);
        _timers.RunDue();
    }

    private void Pump()
    {
        for (var i = 0; i < 6; i++)
        {
            _presenter.Dispatch();
            _compositor.Dispatch();
        }

        _presenter.Dispatch();
    }
}
