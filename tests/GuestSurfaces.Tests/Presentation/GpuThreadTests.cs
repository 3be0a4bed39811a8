// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Presentation.Conversion;
using GuestSurfaces.Testing;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

public sealed class GpuThreadTests : IDisposable
{
    private readonly FdLeakCheck _leaks = new();
    private readonly EventLoop _loop = new();
    private readonly Device _device = new();
    private readonly List<GpuJob> _finished = [];

    [Fact]
    public void Jobs_are_done_in_their_order_by_another_thread_and_finished_by_the_loop()
    {
        var thread = Open();
        var order = new List<int>();
        var jobs = Enumerable.Range(0, 100).Select(i => new Job(() => order.Add(i))).ToArray();
        foreach (var job in jobs)
            thread.Start(job);
        while (_finished.Count < jobs.Length)
            _loop.RunOnce();
        Assert.Equal(Enumerable.Range(0, 100), order);
        Assert.Equal(jobs, _finished);
        Assert.All(jobs, job => Assert.NotEqual(Environment.CurrentManagedThreadId, job.ThreadId));
        Assert.Single(jobs.Select(job => job.ThreadId).Distinct());
        thread.Close();
        _device.IsDisposed.Wait(TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Loop_goes_on_and_ends_while_a_driver_hangs()
    {
        var thread = Open();
        using var hang = new ManualResetEventSlim();
        using var hasBegun = new ManualResetEventSlim();
        var hung = new Job(() =>
        {
            hasBegun.Set();
            hang.Wait();
        });
        thread.Start(hung);
        hasBegun.Wait(TestContext.Current.CancellationToken);
        _loop.RunOnce(0);
        thread.Close();
        Assert.Empty(_finished);
        hang.Set();
        _device.IsDisposed.Wait(TestContext.Current.CancellationToken);
        hung.IsDiscarded.Wait(TestContext.Current.CancellationToken);
        _loop.RunOnce(0);
        Assert.Empty(_finished);
    }

    [Fact]
    public void Gpu_that_is_missing_fails_every_job_with_its_reason()
    {
        var missing = new GpuFailure("there is none");
        var thread = new GpuThread(_loop, () => (null, missing)) { Finished = _finished.Add };
        var job = new Job(() => Assert.Fail("there is nothing to do it with"));
        thread.Start(job);
        while (_finished.Count == 0)
            _loop.RunOnce();
        Assert.Same(missing, job.Failure);
        thread.Close();
    }

    [Fact]
    public void Exception_costs_the_conversion_and_not_the_program()
    {
        var thread = Open();
        var bad = new Job(() => throw new InvalidOperationException("a bug"));
        var next = new Job(() => Assert.Fail("nothing is done after a bug"));
        thread.Start(bad);
        thread.Start(next);
        while (_finished.Count < 2)
            _loop.RunOnce();
        Assert.Equal("drawing has failed: a bug", bad.Failure!.Reason);
        Assert.Equal(bad.Failure, next.Failure);
        thread.Close();
        _device.IsDisposed.Wait(TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Thread_that_was_never_needed_leaves_nothing_behind()
    {
        var thread = Open();
        thread.Close();
        thread.Close();
        Assert.False(_device.IsDisposed.IsSet);
    }

    public void Dispose()
    {
        _loop.Dispose();

        // The thread's last act, after what the tests wait for, is to close its two eventfds.
        SpinWait.SpinUntil(() => _leaks.Difference("anon_inode:[eventfd]") <= 0, TimeSpan.FromSeconds(10));
        _leaks.Dispose();
        _device.IsDisposed.Dispose();
    }

    private GpuThread Open() => new(_loop, () => (_device, null)) { Finished = _finished.Add };

    private sealed class Job(Action work) : GpuJob
    {
        public int ThreadId { get; private set; }

        public ManualResetEventSlim IsDiscarded { get; } = new();

        public override GpuFailure? Run(IGpuDevice device)
        {
            ThreadId = Environment.CurrentManagedThreadId;
            work();
            return null;
        }

        public override void Complete(GpuFailure? givenUp)
        {
        }

        public override void Discard() => IsDiscarded.Set();
    }

    private sealed class Device : IGpuDevice
    {
        public ManualResetEventSlim IsDisposed { get; } = new();

        public bool IsSoftware => true;

        public GpuTarget? TryAllocate(BufferSize size, IReadOnlyList<DmabufTarget> choices, out GpuFailure? failure) => throw new NotSupportedException();

        public GpuFailure? TryDraw(GpuSource source, BufferRect crop, GpuTarget target, in DamageList rects) => throw new NotSupportedException();

        public void Release(GpuSource source) => throw new NotSupportedException();

        public void Release(GpuTarget target) => throw new NotSupportedException();

        public void Dispose() => IsDisposed.Set();
    }
}
