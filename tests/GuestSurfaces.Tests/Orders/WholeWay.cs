// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Tests.VhostUser;
using Xunit;

namespace GuestSurfaces.Tests.Orders;

/// <summary>
/// Everything between a guest's driver and a screen, in one thread on one clock: a VM and its VMM, the device process, the link, the presenter process, and a strict
/// compositor. Only the three outermost are fakes. To begin with the guest shows one framebuffer, has flipped to another, and waits.
/// </summary>
internal sealed class WholeWay : IDisposable
{
    public const long Ms = 1_000_000;

    // What goes wrong as it should: a compositor's end, and the requests of a guest whose resource or memory is gone.
    private static readonly string[] s_expected = ["Error: the display is gone: ", "Warning: virtio-gpu: refused the guest's command "];

    private readonly string _path;
    private readonly Way _way;
    private readonly ListLogger _log = new();
    private readonly List<Vm> _vms = [];
    private readonly List<WatchedDisplay> _displays = [];
    private bool _isHeldBack;

    /// <param name="path">Where the device listens.</param>
    /// <param name="way">The guest's.</param>
    public WholeWay(string path, Way way)
    {
        _path = path;
        _way = way;
        Loop = new EventLoop(Clock);
        Device = new DeviceSide(Loop, path, way, _log);
        Presenter = StartPresenter();
        Guest = StartVm();
        Guest.Boot();
        Refresh();
        Guest.Flip();
    }

    public VirtualClock Clock { get; } = new();

    public EventLoop Loop { get; }

    public DeviceSide Device { get; }

    public PresenterSide Presenter { get; private set; }

    public Guest Guest { get; private set; }

    public Vm Vm => Guest.Vm;

    private bool IsViewed => Presenter is { IsAlive: true, Compositor.IsDead: false };

    /// <summary>Lets something happen.</summary>
    public void Happen(Happening what)
    {
        switch (what)
        {
            case Happening.ResourceDestroyed when Vm.IsDriven:
                Guest.Destroy();
                break;
            case Happening.Flipped:
                Refresh();
                if (Vm.IsDriven)
                    Guest.Flip();
                break;
            case Happening.PresenterGone:
                Presenter.Die();
                break;
            case Happening.CompositorGone:
                Presenter.Compositor?.Die();
                break;
            case Happening.GuestReset when Vm.IsDriven:
                Vm.Reset();
                break;
            case Happening.GuestRebooted when Vm.IsDriven:
                Vm.Reset();
                Vm.Check(Device.IsAlive);
                Guest.Boot();
                break;
            case Happening.MemoryRemoved when Vm.IsAlive:
                Vm.RemovePixels();
                break;
            case Happening.VmDead:
                Vm.Die();
                break;
        }

        Pump();
    }

    /// <summary>Lets things happen of which nobody hears before they are all through.</summary>
    public void AtOnce(IEnumerable<Happening> all)
    {
        _isHeldBack = true;
        foreach (var what in all)
            Happen(what);
        _isHeldBack = false;
        Pump();
    }

    /// <summary>The device process ends.</summary>
    public void EndDevice()
    {
        Device.Dispose();
        Pump();
    }

    /// <summary>Whatever is gone is there again, and the guest shows a new picture.</summary>
    public void ComeBack()
    {
        if (!Presenter.IsAlive)
            Presenter = StartPresenter();
        else if (!IsViewed)
            Show(Presenter);
        if (!Vm.IsAlive)
            Guest = StartVm();
        else if (!Vm.HasPixels)
            Vm.AddPixels();
        if (Vm.IsDriven)
            Guest.ShowNew();
        else
            Guest.Boot();
        for (var i = 0; i < 3; i++)
            Refresh();
    }

    /// <summary>Everything that is under way arrives.</summary>
    public void Pump()
    {
        if (!_isHeldBack)
            Pump(Presenter);
    }

    /// <summary>Time goes by, and every timer has its turn.</summary>
    public void Pass(long ns)
    {
        var until = Clock.NowNs + ns;
        while (!_isHeldBack && Loop.Timers.NextDueNs <= until)
        {
            Clock.Advance(Math.Max(Loop.Timers.NextDueNs - Clock.NowNs, 0));
            Pump();
        }

        Clock.Advance(until - Clock.NowNs);
    }

    /// <summary>A refresh of the screen, if there is one.</summary>
    public void Refresh()
    {
        Pass(17 * Ms);
        Presenter.Refresh();
        Pump();
    }

    /// <summary>What is true at any time.</summary>
    public void Check()
    {
        foreach (var vm in _vms)
            vm.Check(Device.IsAlive);
        if (_log.Lines.Find(static line => !line.StartsWith("Information", StringComparison.Ordinal) && !s_expected.Any(expected => line.StartsWith(expected, StringComparison.Ordinal))) is { } line)
            Assert.Fail($"a line in the log: {line}");
        if (Vm.IsDriven && Device.IsAlive)
            Assert.True(Vm.Pending == Device.Device.HeldAnswers, $"{Vm.Pending} requests are unanswered, and {Device.Device.HeldAnswers} of them wait for the screen");
        else
            Assert.Equal((0, 0), (Device.Device.HeldAnswers, Device.Device.ResourceCount));
        if (IsViewed)
            Assert.Empty(Presenter.Compositor!.DestroyedHeld);

        // Without a viewer, one picture and one cursor are kept for whoever comes, and nobody else has a lock.
        if (!IsViewed)
        {
            Assert.InRange(Device.Display.Storages.Sum(static storage => storage.LockCount), 0, 2);
            foreach (var display in _displays)
                AssertClosed(display.Storages);
        }

        if (!Vm.IsAlive || !Device.IsAlive)
            CheckNothingOfTheGuest();
    }

    /// <summary>After some time, a guest waits for nothing, whatever became of those who show it.</summary>
    public void CheckAnswered() => Assert.True(!Vm.IsDriven || Vm.Pending == 0, $"{Vm.Pending} requests of the guest are unanswered");

    /// <summary>A living guest is shown, and waits for nothing.</summary>
    public void CheckShown()
    {
        Check();
        CheckAnswered();
        Assert.True(Guest.IsOn(Presenter.Compositor!.Toplevel.Render()), "the screen shows something else than the guest's last picture");
    }

    /// <summary>Everybody else is gone: what is true of the device process then.</summary>
    public void CheckAlone()
    {
        Check();
        Pass(10_000 * Ms);
        Check();
        Assert.Equal(long.MaxValue, Loop.Timers.NextDueNs);
        Assert.Equal(Device.IsAlive ? 1 : 0, Loop.WatchCount); // it listens for VMMs
    }

    /// <summary>Everything ends.</summary>
    public void Dispose()
    {
        Presenter.Dispose();
        Device.Dispose();
        foreach (var vm in _vms)
            vm.Dispose();
        Loop.Dispose();
    }

    /// <summary>Does what must not be done, so that a check fails.</summary>
    public void Sabotage(Flaw flaw)
    {
        switch (flaw)
        {
            case Flaw.AnswerLost:
                Device.LosesAnswers = true;
                break;
            case Flaw.AnswerRepeated:
                Vm.RepeatAnswer();
                break;
            case Flaw.LockKept:
                Presenter.Displays[^1].KeepsALock = true;
                break;
        }
    }

    private static void AssertClosed(IEnumerable<BufferStorage> storages)
    {
        foreach (var storage in storages)
            Assert.True(storage.IsClosed, $"a storage of {storage.SizeBytes} bytes has {storage.LockCount} locks and is{(storage.IsDropped ? "" : " not")} dropped");
    }

    private void CheckNothingOfTheGuest()
    {
        AssertClosed(Device.Display.Storages);
        Assert.Equal((0ul, 0, 0ul), (Device.Exporter.PinnedBytes, Device.Exporter.PinnedBuffers, Device.Device.HostPixelBytes));
        if (!IsViewed || !Device.IsAlive)
            return; // a presenter goes on showing what a device process that is gone has left

        foreach (var display in _displays)
            AssertClosed(display.Storages);
        Assert.Empty(Presenter.Compositor!.Surfaces);
        Assert.DoesNotContain(Presenter.Compositor.Buffers, static buffer => buffer.Size.Width > 1); // a black one may stay
        Assert.Equal(0, Presenter.Compositor.Pools);
    }

    private PresenterSide StartPresenter()
    {
        var presenter = new PresenterSide(Loop, Clock, _way, _log);
        Show(presenter);
        return presenter;
    }

    private void Show(PresenterSide presenter)
    {
        presenter.Show(Device.Hub);
        _displays.Add(presenter.Displays[^1]);
        Pump(presenter);
    }

    private void Pump(PresenterSide presenter)
    {
        bool isBusy;
        var rounds = 0;
        do
        {
            if (presenter is { IsAlive: true, Compositor: { IsDead: false } compositor })
                compositor.Dispatch();
            isBusy = Loop.Timers.NextDueNs <= Clock.NowNs;
            isBusy |= Loop.RunOnce(0);
            Assert.True(++rounds < 100, "the loop spins");
        }
        while (isBusy);
    }

    private Guest StartVm()
    {
        var vm = Vm.Start(_path, Pump);
        _vms.Add(vm);
        return new Guest(vm, _way, lastPicture: 100 * (uint)(_vms.Count - 1));
    }
}
