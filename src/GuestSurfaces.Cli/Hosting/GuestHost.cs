// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli.Isolation;
using GuestSurfaces.Cli.Status;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using GuestSurfaces.Link;
using GuestSurfaces.Presentation;
using GuestSurfaces.Transports.Udmabuf;
using GuestSurfaces.Transports.VhostUser;
using GuestSurfaces.Virtio;
using GuestSurfaces.Virtio.Gpu;
using GuestSurfaces.Virtio.Input;
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Cli.Hosting;

/// <summary>One guest in one process: its device, its session, and its windows or the link to viewers in other processes, wired together on one loop. Thread: the main thread's.</summary>
internal sealed class GuestHost : IDisposable
{
    private const long SampleNs = 500_000_000;

    private static readonly RungReport s_switchedOff = new(Rung.Copy, "switched off on the command line", "leave --zero-copy off out");

    private readonly HostOptions _options;
    private readonly Limits _limits = new();
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _log;
    private readonly StopSignals _signals;
    private readonly GcBaseline _gc;
    private readonly FrameTrace? _trace;
    private readonly LoopTimer _sampleTimer;
    private readonly long _startedNs;
    private WaylandPresenter? _presenter;
    private LinkHub? _hub;
    private LinkListener? _linkListener;
    private readonly List<VhostUserServer> _inputServers = [];
    private VirtioInputDevice? _keyboard;
    private VhostUserServer? _server;
    private UdmabufExporter? _exporter;
    private RungReport? _loggedRung;
    private UnixSocketHandle? _qemuDisplay;

    /// <summary>Wires a session to the compositor.</summary>
    /// <param name="options">From the command line.</param>
    public GuestHost(HostOptions options)
    {
        _options = options;
        _loggers = ConsoleLog.Create(options.Verbose);
        _log = _loggers.CreateLogger(options.Name);
        StopRequested = Loop.Stop;
        WindowClosed = OnWindowClosed;
        _trace = FrameTrace.TryCreate(out var errno);
        if (_trace is null)
            _log.LogWarning("guest-surfaces trace won't show this guest's frames: {Problem}", errno);
        Session = new Session(Loop.Timers, Statistics, _limits) { WindowClosed = _ => WindowClosed(), Trace = _trace };
        Loop.Failed = e => _log.LogError(e, "something failed, and is left alone from now on; the rest goes on");
        if (options.InputPaths.Count > 0)
            ServeInput();
        if (options.ServesLink)
            ServeLink();
        else if (options.ShowWindows)
            ConnectDisplay();
        _signals = new StopSignals(() => StopRequested(), hearsTerminal: !options.IsSupervised);
        _gc = new GcBaseline(Statistics);
        _sampleTimer = Loop.Timers.Create(Sample);
        _startedNs = Loop.Timers.Clock.NowNs;
    }

    /// <summary>What users are told where there is no compositor.</summary>
    /// <param name="e">What connecting to one said.</param>
    public static UserErrorException NoDisplay(Exception e) =>
        new(e.Message, "run this inside a Wayland session, set WAYLAND_DISPLAY to its socket, or add --no-display");

    /// <summary>Where this guest's events are told.</summary>
    public ILogger Log => _log;

    /// <summary>Where everything happens.</summary>
    public EventLoop Loop { get; } = new();

    /// <summary>What was counted.</summary>
    public GuestStatistics Statistics { get; } = new();

    /// <summary>Between the guest and its windows.</summary>
    public Session Session { get; }

    /// <summary>Whether the program ends when the VMM disconnects.</summary>
    public bool EndsWithFrontend { get; init; }

    /// <summary>Whether a closed window counts as a request to stop. Where viewers come and go, it ends the viewer only.</summary>
    public bool EndsWithWindow { get; init; } = true;

    /// <summary>Where viewers connect; null if nothing listens.</summary>
    public string? LinkPath { get; private set; }

    /// <summary>What a signal or a closed window does: ends the loop, unless something else must end first. Called on any thread.</summary>
    public Action StopRequested { get; set; }

    /// <summary>What a closed window does: see <see cref="EndsWithWindow"/>, unless somebody else is to decide.</summary>
    public Action WindowClosed { get; set; }

    /// <summary>Hears which monitor the guest is to see from now on, for a VMM that alone can make it look.</summary>
    public Action<int, OutputMode>? ModeTold { get; set; }

    /// <summary>What this process has given up; sealed when everything listens that is to.</summary>
    public DeviceIsolation Isolation { get; init; } = DeviceIsolation.Off("only the processes of device and run are");

    /// <summary>Serves a virtio-gpu on a socket of our own.</summary>
    /// <param name="path">Where.</param>
    /// <exception cref="UserErrorException">Nobody can listen there.</exception>
    public void ListenVhostUser(string path)
    {
        _server = Listen(path, CreateDevice());
        _server.FrontendGone += OnFrontendGone;
        _log.LogInformation("waiting for a VMM at {Path}", path);
    }

    /// <summary>Serves a virtio-gpu over a connected socket.</summary>
    /// <param name="socket">Adopted.</param>
    public void ServeVhostUser(UnixSocketHandle socket)
    {
        _server = VhostUserServer.Serve(Loop, socket, CreateDevice(), CreateServerOptions());
        _server.FrontendGone += OnFrontendGone;
    }

    /// <summary>Runs until a signal, a closed window, or whatever else stops the loop.</summary>
    public void Run()
    {
        using var status = TryOpenStatus();
        Isolation.Seal();
        if (Isolation.IsWanted)
            _log.LogInformation("{Isolation}", Isolation.Summary);
        _sampleTimer.ArmIn(SampleNs);
        Loop.Run();
        _sampleTimer.Cancel();
    }

    /// <summary>Writes the statistics, if the command line asked for them.</summary>
    public void WriteStats()
    {
        if (_options.StatsPath is not { } path)
            return;
        NoteRung();

        // Viewers are gone by now; what counts is how they were shown the guest.
        var rung = _loggedRung ?? Statistics.Rung;
        (Report() with { Rung = StatsReport.Name(rung.Rung), Reason = rung.Reason, Remedy = rung.Remedy }).WriteTo(path);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _signals.Dispose();
        _server?.Dispose();
        foreach (var server in _inputServers)
            server.Dispose();
        _qemuDisplay?.Dispose();
        _linkListener?.Dispose();
        _hub?.Dispose();
        _presenter?.Dispose();
        _exporter?.Dispose();
        _trace?.Dispose();
        Loop.Dispose();
        _loggers.Dispose();
    }

    private StatsReport Report()
    {
        var (bytesPerFrame, collections) = _gc.Measure();
        return new StatsReport
        {
            Guest = _options.Note("guest"),
            Vmm = _options.Note("vmm"),
            Accelerator = _options.Note("accelerator"),
            AcceleratorReason = _options.Note("accelerator_reason"),
            Compositor = _options.Note("compositor"),
            Rung = StatsReport.Name(Statistics.Rung.Rung),
            Reason = Statistics.Rung.Reason,
            Remedy = Statistics.Rung.Remedy,
            FramesReceived = Statistics.FramesReceived,
            FramesPresented = Statistics.FramesPresented,
            ZeroCopyPresented = Statistics.ZeroCopyPresented,
            CompositedBecause = Statistics.CompositedBecause,
            SyncMode = Statistics.SyncMode,
            SyncReason = Statistics.SyncReason,
            Placement = Statistics.Placement,
            PlacementReason = Statistics.PlacementReason,
            Policy = Statistics.Policy,
            PolicyReason = Statistics.PolicyReason,
            FramesDropped = Statistics.FramesDropped,
            LateFlips = Statistics.LateFlips,
            UnprotectedFlips = Statistics.UnprotectedFlips,
            TornWrites = Statistics.TornWrites,
            Throttled = Statistics.Throttled,
            BytesCopiedPerFrame = Statistics.FramesReceived == 0 ? 0 : (double)Statistics.BytesCopied / Statistics.FramesReceived,
            PinnedBytes = _exporter?.PinnedBytes ?? 0,
            PinnedBuffers = _exporter?.PinnedBuffers ?? 0,
            FlushToCommitUs = Percentiles.Of(Statistics.FlushToCommit),
            FlushToGuestUs = Percentiles.Of(Statistics.FlushToGuest),
            GcAllocatedBytesPerFrame = bytesPerFrame,
            GcCollections = collections,
            RssMib = Environment.WorkingSet / (1024.0 * 1024.0),
        };
    }

    private StatusSnapshot Snapshot() => new()
    {
        Name = _options.Name,
        Pid = Environment.ProcessId,
        Transport = _server is null ? "fake-guest" : "vhost-user",
        Frontend = _server switch { null => "none", { IsConnected: true } => "connected", _ => "waiting" },
        Shown = _hub?.IsControlled ?? Session.Display is not null,
        Viewers = _hub?.ViewerCount ?? 0,
        InCharge = _hub?.InChargeName ?? "",
        Isolation = Isolation.Summary,
        Lamps = StatusSnapshot.LampNames(_keyboard?.Lamps ?? 0),
        UptimeS = (Loop.Timers.Clock.NowNs - _startedNs) / 1e9,
        Stats = Report(),
    };

    // A guest that can't be asked is shown all the same.
    private StatusSocket? TryOpenStatus()
    {
        try
        {
            return StatusFolder.OfSession is { } folder ? new StatusSocket(Loop, folder.CreateSocketPath(_options.Name, Environment.ProcessId), Snapshot, _trace?.File) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.LogWarning("guest-surfaces status won't list this guest: {Problem}", e.Message);
            return null;
        }
    }

    private void ConnectDisplay()
    {
        var options = new PresenterOptions { Title = _options.Name, AppId = $"org.guestsurfaces.{_options.Name}", Placement = _options.Fullscreen ? WindowPlacement.Fullscreen : WindowPlacement.Windows, Direct = !_options.Convert, ResizeGuest = _options.ResizeGuest, GrabChord = _options.GrabChord, Policy = _options.Policy, Sync = _options.Sync };
        try
        {
            _presenter = WaylandPresenter.Connect(Loop, null, Session, options, Statistics, _log);
        }
        catch (Exception e) when (e is SyscallException or InvalidOperationException)
        {
            throw NoDisplay(e);
        }

        _presenter.Lost = _ =>
        {
            Session.Display = null;
            _log.LogWarning("the guest runs on unseen: its windows are gone with the compositor");
        };
        _presenter.Takes = Session.Input?.Kinds ?? InputKinds.None;
        Session.Display = _presenter;
        OnDisplayFailed("the windows failed and are closed", _presenter);
    }

    private VhostUserServer Listen(string path, IVirtioDevice device)
    {
        try
        {
            return VhostUserServer.Listen(Loop, path, device, CreateServerOptions());
        }
        catch (SyscallException e)
        {
            throw new UserErrorException(e.Message, "name a free path in a folder of yours, such as $XDG_RUNTIME_DIR/vm.sock");
        }
    }

    private void ServeInput()
    {
        var devices = new GuestInputDevices(_options.InputPaths.Keys.Aggregate(InputKinds.None, static (kinds, kind) => kinds | kind.AsSet()));
        _keyboard = devices[InputKind.Keyboard];
        foreach (var (kind, path) in _options.InputPaths)
            _inputServers.Add(Listen(path, devices[kind]));
        Session.Input = devices;
    }

    private void ServeLink()
    {
        _hub = new LinkHub(Loop, Session, _options.Name, Statistics, _log) { Takes = Session.Input?.Kinds ?? InputKinds.None };
        Session.Display = _hub;
        OnDisplayFailed("the link failed and its viewers are sent away", _hub);
        try
        {
            ListenLink(_hub);
        }
        catch (SyscallException e)
        {
            throw new UserErrorException(e.Message, "name a free path in a folder of yours with --link");
        }

        if (LinkPath is null)
            _log.LogWarning("nobody can view this guest: XDG_RUNTIME_DIR isn't set to a folder; say --link PATH");
        else
            _log.LogInformation("viewers connect with: guest-surfaces present {Path}", LinkPath);
    }

    private void ListenLink(LinkHub hub)
    {
        var folder = StatusFolder.OfSession;
        var path = _options.LinkPath ?? folder?.CreateLinkPath(_options.Name);
        if (path is null)
            return;
        try
        {
            _linkListener = LinkListener.Open(Loop, hub, path, _options.LinkMode, _log, _options.LinkGroup);
        }
        catch (SyscallException e) when (e.Errno == Errno.EEXIST && _options.LinkPath is null)
        {
            // Another guest of the same name: both can be viewed.
            path = folder!.CreateLinkPath($"{_options.Name}-{Environment.ProcessId}");
            _linkListener = LinkListener.Open(Loop, hub, path, _options.LinkMode, _log, _options.LinkGroup);
        }

        LinkPath = path;
    }

    private void OnDisplayFailed(string what, IDisposable display)
    {
        var closing = Loop.Timers.Create(display.Dispose);
        Session.DisplayFailed = e =>
        {
            _log.LogError(e, "{What}; the guest runs on unseen", what);
            closing.ArmIn(0);
        };
    }

    private void OnWindowClosed()
    {
        if (EndsWithWindow)
            StopRequested();
        else
            _log.LogInformation("a viewer's window was closed; the guest runs on");
    }

    private VirtioGpuDevice CreateDevice()
    {
        var mode = new OutputMode(_options.Size, 60_000, 0, 0, Enabled: true);
        _exporter = _options.ZeroCopy ? UdmabufExporter.Open(_limits) : null;
        var gpu = new VirtioGpuOptions
        {
            ScanoutCount = _options.Outputs,
            InitialModes = [.. Enumerable.Repeat(mode, _options.Outputs)],
            Alias2D = _options.Alias2D,
            KeepsPages = _options.KeepsPages,
            Exporter = _exporter is { } exporter ? exporter : new NoBufferExporter(s_switchedOff),
        };
        var device = new VirtioGpuDevice(Session, _limits, Statistics, gpu, _log) { ModeApplied = OnModeApplied };
        Session.Transport = device;
        return device;
    }

    private void OnModeApplied(int scanout, OutputMode mode)
    {
        ModeTold?.Invoke(scanout, mode);
        if (mode.Enabled)
            _log.LogDebug("head {Head}: the guest is told {Size} at {Refresh} mHz, {Width}x{Height} mm", scanout, mode.Size, mode.RefreshMilliHz, mode.WidthMm, mode.HeightMm);
        else
            _log.LogDebug("head {Head}: the guest is told that it is unplugged", scanout);
    }

    private VhostUserOptions CreateServerOptions() => new() { Logger = _log, Limits = _limits, OnGpuSocket = KeepQemuDisplay };

    // QEMU offers to show the pictures itself. We show them, but an end of file there would make it complain.
    private void KeepQemuDisplay(UnixSocketHandle socket)
    {
        _qemuDisplay?.Dispose();
        _qemuDisplay = socket;
    }

    private void OnFrontendGone()
    {
        _qemuDisplay?.Dispose();
        _qemuDisplay = null;
        Session.CloseWindows();
        if (EndsWithFrontend)
            Loop.Stop();
    }

    // Twice a second: the baseline for what frames allocate, and the one log line about the rung whenever it changes.
    private void Sample()
    {
        _sampleTimer.ArmIn(SampleNs);
        _gc.Sample();
        NoteRung();
    }

    private void NoteRung()
    {
        var rung = Statistics.Rung;
        if (rung == _loggedRung || rung.Rung == Rung.None)
            return;
        _loggedRung = rung;
        if (rung.Rung == Rung.Direct)
            _log.LogInformation("frames go to the screen without a copy");
        else
            _log.LogInformation("frames take the {Rung} rung: {Reason}{Remedy}", StatsReport.Name(rung.Rung), rung.Reason, rung.Remedy.Length > 0 ? $"; {rung.Remedy}" : "");
    }
}
