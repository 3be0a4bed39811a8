// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Plugin.Configuration;
using GuestSurfaces.Presentation;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Plugin.Host;

/// <summary>
/// A guest and its presenter: a process with a Wayland connection of its own that the desktop knows. The presenter is whoever has the other end of that. When it is gone and what was started
/// has ended well at that time, then the user has closed the window, and the guest is detached. Else what was started gets SIGTERM, SIGKILL if it is still there when the next is started, and the next comes
/// after a pause that grows while they fail. Thread: the loop's.
/// </summary>
internal sealed class HostedGuest : IFdHandler, IGuestSurfacesGuestV1Listener, IDisposable
{
    private const long FirstNs = 100_000_000;
    private const long LongestNs = 10_000_000_000;
    private const long SteadyNs = 10_000_000_000;

    // Between the ends of a presenter and of its connection: a .NET program takes some tens of milliseconds. A shell that has left its program in the background ended long before.
    private const long LeavingNs = 500_000_000;

    private readonly EventLoop _loop;
    private readonly DesktopConnection _desktop;
    private readonly Func<GuestSection, string[]> _commandOf;
    private readonly Retry _retry;
    private readonly LoopTimer _leaving;
    private GuestSurfacesGuestV1? _proxy;
    private ChildProcess? _process;
    private FdWatch? _exitWatch;
    private long? _endedWellNs;
    private bool _hasStarted;

    /// <summary>Starts its presenter with the loop's next turn.</summary>
    /// <param name="loop">Where everything happens.</param>
    /// <param name="desktop">Lets presenters in.</param>
    /// <param name="section">What is wanted.</param>
    /// <param name="commandOf">A presenter's command line.</param>
    public HostedGuest(EventLoop loop, DesktopConnection desktop, GuestSection section, Func<GuestSection, string[]> commandOf)
    {
        _loop = loop;
        _desktop = desktop;
        _commandOf = commandOf;
        Section = section;
        Placement = section.Placement;
        _leaving = loop.Timers.Create(OnGoneForGood);
        _retry = new Retry(loop.Timers, FirstNs, LongestNs, SteadyNs, TryStart);
        _retry.Start();
    }

    public GuestSection Section { get; }

    /// <summary>Where it belongs now.</summary>
    public WindowPlacement Placement { get; private set; }

    public GuestState State { get; private set; } = GuestState.Restarting;

    /// <summary>Its presenter's process; null: there is none.</summary>
    public int? Pid => _process?.Id;

    /// <summary>How often a presenter of it has ended by itself.</summary>
    public int Restarts { get; private set; }

    /// <summary>Puts it elsewhere, now and whenever it comes back.</summary>
    /// <param name="placement">Where.</param>
    public void Place(WindowPlacement placement)
    {
        Placement = placement;
        TellPlacement();
        _desktop.Flush();
    }

    /// <summary>Brings it back.</summary>
    public void Attach()
    {
        if (State != GuestState.Detached)
            return;
        State = GuestState.Restarting;
        _retry.Start();
    }

    /// <summary>Takes it from the desktop. The VM doesn't notice.</summary>
    public void Detach()
    {
        State = GuestState.Detached;
        Rest();
    }

    /// <inheritdoc/>
    public void OnReady(EpollEvents events)
    {
        if (_process?.WaitForExit(0) != true)
            return;
        if (_process.ExitCode == 0)
            _endedWellNs = _loop.Timers.Clock.NowNs;
        Bury(); // what it has left with its connection is still the presenter
        if (_leaving.IsArmed)
            OnGoneForGood();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Rest();
        Bury();
    }

    void IGuestSurfacesGuestV1Listener.OnGone(GuestSurfacesGuestV1 sender)
    {
        if (sender != _proxy)
            return;
        Disconnect();
        if (_process is null)
            OnGoneForGood();
        else
            _leaving.ArmIn(LeavingNs);
    }

    private void OnGoneForGood()
    {
        _leaving.Cancel();
        _process?.RequestExit();
        if (_loop.Timers.Clock.NowNs - _endedWellNs <= LeavingNs)
        {
            State = GuestState.Detached;
            _desktop.Log($"{Section.Name}: its window was closed; guest-surfaces plugin attach {Section.Name} brings it back");
            return;
        }

        State = GuestState.Restarting;
        Restarts++;
        _desktop.Log($"{Section.Name}: its presenter is gone; another is started");
        _retry.Start();
    }

    private bool TryStart()
    {
        Bury(); // the last one, if it has outlived its connection
        _endedWellNs = null;
        try
        {
            var (theirs, ours) = UnixSocketHandle.CreatePair(nonBlocking: false);
            using (theirs)
            {
                using (ours)
                    _proxy = _desktop.LetIn(ours, Section, this);
                TellPlacement();
                _desktop.Flush();
                _process = ChildProcess.Start(_commandOf(Section), theirs, output: null, $"WAYLAND_SOCKET={ChildProcess.InheritedFdNumber}");
            }

            _exitWatch = _loop.Watch(_process.ExitEvent, EpollEvents.In, this);
            State = GuestState.Running;
            if (!_hasStarted)
                _desktop.Log($"{Section.Name}: its presenter is process {_process.Id}");
            _hasStarted = true;
            return true;
        }
        catch (SyscallException e)
        {
            _desktop.Log($"{Section.Name}: no presenter can be started: {e.Message}");
            Rest();
            return false;
        }
    }

    private void TellPlacement() =>
        _proxy?.Place((GuestSurfacesPresenterV1PlacementKind)Placement.Kind, string.Join(',', Placement.Outputs));

    private void Rest()
    {
        _retry.Cancel();
        _leaving.Cancel();
        Disconnect();
        _process?.RequestExit();
    }

    private void Disconnect()
    {
        _proxy?.Destroy();
        _proxy = null;
        _desktop.Flush();
    }

    private void Bury()
    {
        _exitWatch?.Dispose();
        _process?.Dispose();
        (_exitWatch, _process) = (null, null);
    }
}
