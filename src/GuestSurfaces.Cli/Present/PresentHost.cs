// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Link;
using GuestSurfaces.Plugin;
using GuestSurfaces.Presentation;
using GuestSurfaces.Wayland;
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Cli.Present;

/// <summary>
/// One guest's viewer: a link on one side, windows on the other, on one loop. Either may go and come back.
/// <para>
/// Without a compositor there is no link either: the source keeps the newest picture, and tells it whoever connects. Without a source the windows keep theirs, dimmed and
/// with "(disconnected)" in their titles, and close after a while; a source that comes meanwhile takes them over.
/// </para>
/// Thread: the main thread's.
/// </summary>
internal sealed class PresentHost : IDisposable
{
    private const long FirstRetryNs = 100_000_000;

    // A compositor's socket is there before anybody listens on it, and its folder may go with the session: so it is tried, not watched. A try is one connect().
    private const long LongestRetryNs = 500_000_000;

    private readonly PresentOptions _options;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _log;
    private readonly GuestStatistics _statistics = new();
    private readonly StopSignals _signals;
    private readonly LinkViewer _link;
    private readonly ILinkDoor _door;
    private readonly Retry _display;
    private readonly LoopTimer _grace;
    private WaylandPresenter? _presenter;
    private string _title;
    private bool _isAbandoned;

    /// <summary>Makes a viewer that shows nothing yet.</summary>
    /// <param name="options">From the command line.</param>
    /// <param name="openDoor">Makes the way to sources, given what is to be called with a connected socket.</param>
    public PresentHost(PresentOptions options, Func<EventLoop, Action<UnixSocketHandle>, ILinkDoor> openDoor)
    {
        _options = options;
        _title = options.Name ?? "guest";
        _loggers = ConsoleLog.Create(options.Verbose);
        _log = _loggers.CreateLogger($"present {_title}");
        Loop.Failed = e => _log.LogError(e, "something failed, and is left alone from now on; the rest goes on");
        _link = new LinkViewer(Loop, new LinkViewerOptions { Name = $"guest-surfaces present {Environment.ProcessId}", WantsControl = !options.ViewOnly }, _statistics, _log)
        {
            Greeted = OnGreeted,
            Lost = OnSourceLost,
            WindowClosed = options.IsSupervised ? null : OnWindowClosed,
        };
        _display = new Retry(Loop.Timers, FirstRetryNs, LongestRetryNs, LongestRetryNs, TryShow);
        _grace = Loop.Timers.Create(OnGraceOver);
        _door = openDoor(Loop, OnOpened);
        _signals = new StopSignals(Loop.Stop, hearsTerminal: !options.IsSupervised);
    }

    /// <summary>Where everything happens.</summary>
    public EventLoop Loop { get; } = new();

    /// <summary>
    /// How it went: 0 if the user closed the windows, or they closed with their source; 1 if the compositor that has started this ended the connection; 128 and its number if a signal ended
    /// this. Who starts viewers tells by it whether another one is wanted.
    /// </summary>
    public int ExitCode => _isAbandoned ? 1 : _signals.ExitCode;

    private string AppId => $"org.guestsurfaces.{_title}";

    private InputKinds Takes => _options.ViewOnly ? InputKinds.None : _link.SourceTakes;

    /// <summary>Shows what is there until a signal, a closed window, or the source's end.</summary>
    /// <exception cref="UserErrorException">There is no compositor or no source, and nobody wants to wait for them.</exception>
    public void Run()
    {
        if (_options.IsSupervised)
        {
            _display.Start();
        }
        else
        {
            Connect();
            if (_options.HasPrivateConnection)
                _door.Reopen();
            else
                _door.Open();
        }

        Loop.Run();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _signals.Dispose();
        _door.Dispose();
        _link.Dispose();
        _presenter?.Dispose();
        Loop.Dispose();
        _loggers.Dispose();
    }

    private void Connect()
    {
        try
        {
            Show();
        }
        catch (Exception e) when (e is SyscallException or InvalidOperationException)
        {
            throw new UserErrorException(e.Message, "run this inside a Wayland session, or set WAYLAND_DISPLAY to its socket");
        }
    }

    private void Show()
    {
        var options = new PresenterOptions { Title = _title, AppId = AppId, Placement = _options.Placement, IviId = _options.IviId, Copy = _options.ViewOnly, Direct = !_options.Convert, ResizeGuest = _options is { ResizeGuest: true, ViewOnly: false }, GrabChord = _options.GrabChord, Policy = _options.Policy, Sync = _options.Sync };
        var presenter = WaylandPresenter.Connect(Loop, null, _link, options, _statistics, _log);
        _presenter?.Dispose();
        _presenter = presenter;
        presenter.Lost = OnCompositorLost;
        presenter.Takes = Takes;
        _link.Display = presenter;
    }

    private bool TryShow()
    {
        try
        {
            Show();
        }
        catch (Exception e) when (e is SyscallException or InvalidOperationException)
        {
            return false; // not there yet: said when it went
        }

        _door.Reopen();
        if (_options is { EndsWithSource: true, GraceNs: > 0 })
            _grace.ArmIn(_options.GraceNs); // it may have gone with the compositor
        return true;
    }

    private void OnCompositorLost(WaylandFailure failure)
    {
        if (_options.HasPrivateConnection)
        {
            _isAbandoned = true;
            Loop.Stop(); // there is no way back to whoever has given it
            return;
        }

        _log.LogWarning("the windows are gone with the compositor; they come back with it");
        _door.Close();
        _grace.Cancel();
        _link.Dispose(); // told anew, the next compositor gets the whole picture
        _link.Display = null;
        _display.Start();
    }

    private void OnOpened(UnixSocketHandle socket)
    {
        if (_link.IsConnected)
            socket.Dispose();
        else
            _link.Open(socket);
    }

    private void OnGreeted()
    {
        _grace.Cancel();
        _title = _options.Name ?? (_link.SourceName.Length > 0 ? _link.SourceName : _title);
        if (_presenter is { } presenter)
        {
            presenter.Takes = Takes;
            presenter.SetTitle(_title);
            presenter.SetAppId(AppId);
        }

        _log.LogInformation("{Source} is there", _title);
    }

    private void OnSourceLost(string? why)
    {
        _log.LogWarning("{Source} is gone; its windows stay for {Seconds} s", _title, _options.GraceNs / 1_000_000_000);
        _presenter?.SetTitle(_title, " (disconnected)");
        _presenter?.ShowDisconnected();
        if (!_grace.IsArmed)
            _grace.ArmIn(_options.GraceNs);
        _door.Reopen();
    }

    // One window of several is a monitor of the guest's, which only the viewer in charge unplugs; the last one is the viewer's own.
    private void OnWindowClosed(int scanout)
    {
        if (_link.IsInCharge && _presenter is { WindowCount: > 1 })
            _link.PassClose(scanout);
        else
            Loop.Stop();
    }

    private void OnGraceOver()
    {
        _log.LogInformation("{Source} didn't come back: its windows are closed", _title);
        if (_options.EndsWithSource)
        {
            Loop.Stop();
            return;
        }

        for (var i = 0; i < LinkLimits.Surfaces; i++)
            _presenter?.Disable(i);
    }
}
