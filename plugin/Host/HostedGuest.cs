// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Plugin.Configuration;
using GuestSurfaces.Presentation;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Plugin.Host;

/// <summary>
/// A guest and its presenter: a process with a Wayland connection of its own that the desktop knows. The presenter is whoever has the other end of that; when it is gone, what was started
/// gets SIGTERM, SIGKILL if it is still there when the next is started, and the next comes after a pause that grows while they fail. Thread: the loop's.
/// </summary>
internal sealed class HostedGuest : IFdHandler, IGuestSurfacesGuestV1Listener, IDisposable
{
    private const long FirstNs = 100_000_000;
    private const long LongestNs = 10_000_000_000;
    private const long SteadyNs = 10_000_000_000;

    private readonly EventLoop _loop;
    private readonly DesktopConnection _desktop;
    private readonly Func<GuestSection, string[]> _commandOf;
    private readonly Retry _retry;
    private GuestSurfacesGuestV1? _proxy;
    private ChildProcess? _process;
    private FdWatch? _exitWatch;
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
        _retry.Cancel();
        Disconnect();
    }

    /// <inheritdoc/>
    public void OnReady(EpollEvents events)
    {
        if (_process?.WaitForExit(0) == true)
            Bury(); // what it has left with its connection is still the presenter
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _retry.Cancel();
        Disconnect();
        Bury();
    }

    void IGuestSurfacesGuestV1Listener.OnGone(GuestSurfacesGuestV1 sender)
    {
        if (sender != _proxy)
            return;
        Disconnect();
        State = GuestState.Restarting;
        Restarts++;
        _desktop.Log($"{Section.Name}: its presenter is gone; another is started");
        _retry.Start();
    }

    private bool TryStart()
    {
        Bury(); // the last one, if it has outlived its connection
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
            Disconnect();
            return false;
        }
    }

    private void TellPlacement() =>
        _proxy?.Place(
            Placement.IsFullscreen ? GuestSurfacesPresenterV1PlacementKind.Fullscreen : GuestSurfacesPresenterV1PlacementKind.Window,
            string.Join(',', Placement.Outputs));

    private void Disconnect()
    {
        _proxy?.Destroy();
        _proxy = null;
        _desktop.Flush();
        _process?.RequestExit();
    }

    private void Bury()
    {
        _exitWatch?.Dispose();
        _process?.Dispose();
        (_exitWatch, _process) = (null, null);
    }
}
