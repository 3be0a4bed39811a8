// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Virtio;
using Xunit;

namespace GuestSurfaces.Tests.Loop;

/// <summary>The loop: who hears what, and who doesn't any more.</summary>
public sealed class EventLoopTests
{
    [Fact]
    public void A_watch_disposed_by_an_earlier_handler_of_the_same_round_hears_nothing()
    {
        using var loop = new EventLoop();
        using var a = EventFdHandle.Create();
        using var b = EventFdHandle.Create();
        var heard = 0;
        FdWatch? watchA = null, watchB = null;
        watchA = loop.Watch(a, EpollEvents.In, new Handler(() =>
        {
            heard++;
            watchB!.Dispose();
        }));
        watchB = loop.Watch(b, EpollEvents.In, new Handler(() =>
        {
            heard++;
            watchA.Dispose();
        }));
        Assert.Equal(Errno.None, a.Signal());
        Assert.Equal(Errno.None, b.Signal());
        loop.RunOnce(0);
        Assert.Equal(1, heard);
        watchA.Dispose();
        watchB.Dispose();
    }

    [Fact]
    public void A_new_watch_in_the_place_of_an_old_one_does_not_inherit_its_report()
    {
        using var loop = new EventLoop();
        using var a = EventFdHandle.Create();
        using var b = EventFdHandle.Create();
        using var quiet = EventFdHandle.Create();
        var wrong = false;
        FdWatch? watchA = null, watchB = null, fresh = null;
        void Replace(FdWatch other)
        {
            if (fresh is not null)
                return;
            other.Dispose();
            fresh = loop.Watch(quiet, EpollEvents.In, new Handler(() => wrong = true));
        }

        watchA = loop.Watch(a, EpollEvents.In, new Handler(() => Replace(watchB!)));
        watchB = loop.Watch(b, EpollEvents.In, new Handler(() => Replace(watchA)));
        Assert.Equal(Errno.None, a.Signal());
        Assert.Equal(Errno.None, b.Signal());
        loop.RunOnce(0);
        Assert.NotNull(fresh);
        Assert.False(wrong);
    }

    [Fact]
    public void Files_that_cannot_be_polled_are_refused_and_cost_no_place()
    {
        using var loop = new EventLoop();
        using var file = FakeRam.Create(4096);
        for (var i = 0; i < 10; i++)
        {
            Assert.Null(loop.TryWatch(file, EpollEvents.In, new Handler(() => { }), out var errno));
            Assert.Equal(Errno.EPERM, errno);
        }

        using var real = EventFdHandle.Create();
        loop.Watch(real, EpollEvents.In, new Handler(() => { })).Dispose();
    }

    [Fact]
    public void A_timer_wakes_a_waiting_loop_and_stop_ends_it()
    {
        using var loop = new EventLoop();
        var fired = 0;
        LoopTimer? timer = null;
        timer = loop.Timers.Create(() =>
        {
            if (++fired == 3)
                loop.Stop();
            else
                timer!.ArmIn(1_000_000);
        });
        timer.ArmIn(1_000_000);
        loop.Run();
        Assert.Equal(3, fired);
        Assert.True(loop.IsStopped);
    }

    [Fact]
    public void A_handler_or_timer_that_throws_is_left_alone_and_the_rest_goes_on()
    {
        using var loop = new EventLoop();
        using var bad = EventFdHandle.Create();
        using var good = EventFdHandle.Create();
        using var badWatch = loop.Watch(bad, EpollEvents.In, new Handler(() => throw new NotSupportedException("a bug")));
        var heard = 0;
        using var goodWatch = loop.Watch(good, EpollEvents.In, new Handler(() => heard++));
        Assert.Equal(Errno.None, bad.Signal());
        Assert.Throws<NotSupportedException>(() => loop.RunOnce(0)); // nobody wants to know: it comes out

        var failures = new List<string>();
        loop.Failed = e => failures.Add(e.Message);
        var fired = 0;
        loop.Timers.Create(() => throw new NotSupportedException("another")).ArmIn(0);
        loop.Timers.Create(() => fired++).ArmIn(0);
        Assert.Equal(Errno.None, good.Signal());
        for (var i = 0; i < 3; i++)
            loop.RunOnce(0);
        Assert.Equal(["another", "a bug"], failures);
        Assert.Equal(1, fired);
        Assert.Equal(3, heard); // nobody drains it
    }

    [Fact]
    public void Modify_changes_what_is_heard()
    {
        using var loop = new EventLoop();
        var (a, b) = UnixSocketHandle.CreatePair(nonBlocking: true);
        var events = EpollEvents.None;
        var watch = loop.Watch(a, EpollEvents.None, new Handler(e => events |= e));
        Assert.Equal(Errno.None, b.Send([1], [], out _));
        loop.RunOnce(0);
        Assert.Equal(EpollEvents.None, events);
        watch.Modify(EpollEvents.Out);
        loop.RunOnce(0);
        Assert.Equal(EpollEvents.Out, events);
        watch.Dispose();
        a.Dispose();
        b.Dispose();
    }

    private sealed class Handler(Action<EpollEvents> onReady) : IFdHandler
    {
        public Handler(Action onReady)
            : this(_ => onReady())
        {
        }

        public void OnReady(EpollEvents events) => onReady(events);
    }
}
