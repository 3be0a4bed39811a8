// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Presentation.Conversion;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Presentation.Input;
using GuestSurfaces.Presentation.Sync;
using GuestSurfaces.Wayland;
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Presentation;

/// <summary>
/// Shows a guest's scanouts as windows of a Wayland compositor, one connection for all of them: a protocol error takes down one guest's windows.
/// <para>
/// What belongs to the guest (<see cref="Scanout"/>: frames that wait, what isn't answered, the cursor) is kept apart from what belongs to the
/// connection (<see cref="Compositor"/>, windows, wl_buffers): the latter goes with the compositor, the guest goes on. Without a compositor
/// frames are taken, unlocked at once and left to the session's timer.
/// </para>
/// Thread: the loop's. Nothing waits, and in steady state nothing allocates.
/// </summary>
public sealed class WaylandPresenter : IGuestDisplay, ICompositorOwner, IDisposable
{
    private readonly Scanout[] _scanouts = new Scanout[Limits.MaxScanouts];
    private readonly IDisplayEvents _events;
    private readonly PresenterOptions _options;
    private readonly TimerQueue _timers;
    private readonly Func<ulong, IGpuRunner>? _openGpu;
    private readonly Func<ulong, (ITimelineDevice? Device, string Problem)>? _openTimelines;
    private readonly ILogger _logger;
    private readonly ConnectionWatch? _watch;
    private readonly LoopTimer _flush;
    private Compositor? _compositor;

    /// <summary>Shows a guest over a connection, in a loop.</summary>
    /// <param name="loop">Watches the connection.</param>
    /// <param name="connection">Adopted.</param>
    /// <param name="events">Hears about the frames: the guest's <see cref="Session"/>.</param>
    /// <param name="options">The windows' look.</param>
    /// <param name="statistics">Where to count.</param>
    /// <param name="logger">Hears of trouble.</param>
    public WaylandPresenter(EventLoop loop, WaylandConnection connection, IDisplayEvents events, PresenterOptions options, GuestStatistics statistics, ILogger logger)
        : this(
            connection,
            loop.Timers,
            new LoopDmabufSync(loop),
            events,
            options,
            statistics,
            logger,
            device => new GpuThread(loop, () => (EglDevice.TryOpen(device, UdmabufMemory.OpenDevice, out var failure), failure)),
            device => (LoopTimelineDevice.TryOpen(loop, device == 0 ? null : DrmNodes.PathOf(device), out var problem), problem))
    {
        _watch = new ConnectionWatch(loop, connection) { Ready = Dispatch };
        Flush();
    }

    /// <summary>Without a loop: a test turns the crank.</summary>
    internal WaylandPresenter(
        WaylandConnection connection,
        TimerQueue timers,
        IDmabufSync sync,
        IDisplayEvents events,
        PresenterOptions options,
        GuestStatistics statistics,
        ILogger logger,
        Func<ulong, IGpuRunner>? openGpu = null,
        Func<ulong, (ITimelineDevice? Device, string Problem)>? openTimelines = null)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(options);
        _events = events;
        _options = options;
        _timers = timers;
        _openGpu = openGpu;
        _openTimelines = openTimelines;
        _logger = logger;
        _flush = timers.Create(Flush);
        for (var i = 0; i < _scanouts.Length; i++)
            _scanouts[i] = new Scanout(i, events, options, statistics, logger);
        _compositor = new Compositor(connection, timers, sync, new DmabufReleases(timers, sync), this);
    }

    /// <summary>Whether there is a compositor.</summary>
    public bool IsConnected => _compositor is not null;

    /// <summary>How many windows there are.</summary>
    public int WindowCount
    {
        get
        {
            var count = 0;
            foreach (var scanout in _scanouts)
                count += scanout.HasWindow ? 1 : 0;
            return count;
        }
    }

    /// <summary>What the guest has to type and point with: what the user does with the windows is told, and the desktop's cursor is hidden over them. None: nothing is heard.</summary>
    public InputKinds Takes
    {
        get;
        set
        {
            field = value;
            if (_compositor is not { IsReady: true } compositor)
                return;
            compositor.UpdateSeats();
            Flush();
        }
    }

    /// <summary>Called once when the compositor is gone, or was never fit: all frames are settled, all locks back but those of what GPUs still read. The guest can go on without windows.</summary>
    public Action<WaylandFailure>? Lost { get; set; }

    /// <summary>Connects to a compositor and shows a guest there.</summary>
    /// <param name="loop">Watches the connection.</param>
    /// <param name="display">A socket's path or name; null for what WAYLAND_SOCKET or WAYLAND_DISPLAY says.</param>
    /// <param name="events">Hears about the frames.</param>
    /// <param name="options">The windows' look.</param>
    /// <param name="statistics">Where to count.</param>
    /// <param name="logger">Hears of trouble.</param>
    /// <exception cref="SyscallException">No compositor listens there.</exception>
    /// <exception cref="InvalidOperationException">The environment doesn't say where.</exception>
    public static WaylandPresenter Connect(
        EventLoop loop, string? display, IDisplayEvents events, PresenterOptions options, GuestStatistics statistics, ILogger logger) =>
        new(loop, display is null ? WaylandConnection.Connect() : WaylandConnection.Connect(display), events, options, statistics, logger);

    /// <summary>Gives all windows another title, those that are still to come included.</summary>
    /// <param name="title">The guest's name; further windows get a number, as in <see cref="PresenterOptions.TitleOf"/>.</param>
    /// <param name="state">What there is to say about it, after the number; empty for nothing.</param>
    public void SetTitle(string title, string state = "")
    {
        var options = _options with { Title = title };
        for (var i = 0; i < _scanouts.Length; i++)
            _scanouts[i].SetTitle(options.TitleOf(i) + state);
        Flush();
    }

    /// <summary>Gives the windows that are still to come another app id.</summary>
    /// <param name="appId">As in <see cref="PresenterOptions.AppId"/>.</param>
    public void SetAppId(string appId)
    {
        foreach (var scanout in _scanouts)
            scanout.AppId = appId;
    }

    /// <summary>Puts all windows elsewhere, those that are still to come included; the guest sees the monitors that are named for its heads.</summary>
    /// <param name="placement">Where.</param>
    public void Place(WindowPlacement placement)
    {
        foreach (var scanout in _scanouts)
            scanout.Place(_compositor, placement);
        Flush();
    }

    /// <summary>
    /// Whoever sent what the windows show is gone: they keep it, dimmed and with a sign, each until a frame comes that is newer than this call.
    /// Serials go on rising when somebody else sends them.
    /// </summary>
    public void ShowDisconnected()
    {
        foreach (var scanout in _scanouts)
            scanout.ShowDisconnected();
        Flush();
    }

    /// <inheritdoc/>
    public void Present(int scanout, in GuestFrame frame)
    {
        _scanouts[scanout].Present(_compositor, in frame);
        Flush();
    }

    /// <inheritdoc/>
    public void Disable(int scanout)
    {
        _scanouts[scanout].CloseWindow();
        Flush();
    }

    /// <inheritdoc/>
    public void Blank(int scanout)
    {
        _scanouts[scanout].Blank();
        Flush();
    }

    /// <inheritdoc/>
    public void SetCursor(int scanout, in CursorImage image, int x, int y)
    {
        if (_compositor is null)
        {
            image.Storage?.Unlock();
            return;
        }

        _scanouts[scanout].SetCursor(in image, x, y);
        Flush();
    }

    /// <inheritdoc/>
    public void MoveCursor(int scanout, int x, int y)
    {
        _scanouts[scanout].MoveCursor(x, y);
        Flush();
    }

    /// <summary>Closes the windows and the connection; everything is settled and unlocked, what GPUs still read a moment later.</summary>
    public void Dispose()
    {
        foreach (var scanout in _scanouts)
            scanout.CloseWindow();
        Flush();
        CloseConnection();
    }

    /// <summary>Handles what the compositor has sent, and sends what came of it.</summary>
    internal void Dispatch()
    {
        _compositor?.Connection.Dispatch();
        Flush();
    }

    void ICompositorOwner.OnPlaced(WindowPlacement placement) => Place(placement);

    void ICompositorOwner.OnReady()
    {
        foreach (var scanout in _scanouts)
        {
            scanout.OnOutputsChanged(_compositor!);
            scanout.Pump(_compositor!);
        }

        _events.DisplayChanged();
    }

    void ICompositorOwner.OnOutputsChanged()
    {
        foreach (var scanout in _scanouts)
            scanout.OnOutputsChanged(_compositor!);
    }

    (int Scanout, SurfaceSize Size)? IInputOwner.PictureOn(WlSurface? surface)
    {
        for (var i = 0; surface is not null && i < _scanouts.Length; i++)
        {
            if (_scanouts[i].SizeOn(surface) is { } size)
                return (i, size);
        }

        return null;
    }

    void IInputOwner.OnInput(int scanout, InputKind kind, ReadOnlySpan<InputEvent> frame) => _events.Input(scanout, kind, frame);

    void IInputOwner.OnInputLeft(InputKind kind) => _events.InputLeft(kind);

    void IInputOwner.OnPointed(WlSurface surface)
    {
        foreach (var scanout in _scanouts)
            scanout.OnPointed(surface);
    }

    void ICompositorOwner.OnDmabufsChanged() => _events.DisplayChanged();

    GrabChord IInputOwner.GrabChord => _options.GrabChord;

    void IInputOwner.OnGrabbed(int scanout)
    {
        _logger.LogInformation("keyboard and mouse are the guest's alone; {Chord} releases them", _options.GrabChord);
        _scanouts[scanout].ShowGrab(isHeld: true);
    }

    void IInputOwner.OnGrabEnded(int scanout, string reason)
    {
        _logger.LogInformation("keyboard and mouse are released: {Reason}", reason);
        _scanouts[scanout].ShowGrab(isHeld: false);
    }

    void IInputOwner.OnGrabRefused(string reason)
    {
        _logger.LogWarning("the guest can't have keyboard and mouse for itself: {Reason}", reason);
        _flush.ArmIn(0); // it may have been a timer's doing
    }

    void ICompositorOwner.Flush() => Flush();

    void ICompositorOwner.OnStorageClosed() => _flush.ArmIn(0);

    SyncMode? ICompositorOwner.Sync => _options.Sync;

    GpuQueue? ICompositorOwner.OpenGpu(ulong device) =>
        _openGpu is null || !_options.Convert ? null : new GpuQueue(_openGpu(device), _timers, new TargetBudget(_options.Limits.MaxConvertedBytes), Flush);

    (ITimelineDevice? Device, string Problem) ICompositorOwner.OpenTimelines(ulong device) => _openTimelines?.Invoke(device) ?? (null, "there is no device that makes timelines");

    void ICompositorOwner.OnLost(WaylandFailure failure)
    {
        _logger.LogError("the display is gone: {Message}", failure.Message);
        CloseConnection();
        foreach (var scanout in _scanouts)
            scanout.ForgetWindow();
        foreach (var kind in Enum.GetValues<InputKind>())
            _events.InputLeft(kind);
        Lost?.Invoke(failure);
    }

    // Requests wait in the connection's buffer until here: one sendmsg for everything that one event of the loop has caused.
    private void Flush()
    {
        if (_compositor is not { } compositor)
            return;
        compositor.Connection.Flush();
        _watch?.OnFlushed();
    }

    private void CloseConnection()
    {
        var compositor = _compositor;
        _compositor = null;
        _flush.Cancel();
        _watch?.Dispose();
        compositor?.Close();
    }
}
