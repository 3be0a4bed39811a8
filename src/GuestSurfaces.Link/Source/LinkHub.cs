// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using GuestSurfaces.Link.Source;
using GuestSurfaces.Link.Wire;
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Link;

/// <summary>
/// The link's end where the frames are: a display that consists of any number of viewers in other processes, even none. It keeps what the guest shows now, and brings
/// every viewer to it, whenever that comes and however slow it is. The viewer in charge paces the guest; without one the guest is answered at the refresh rate last known.
/// Thread: the loop's. Nothing waits, and in steady state nothing allocates.
/// </summary>
public sealed partial class LinkHub : IGuestDisplay, IDisposable
{
    private const int UsualRefreshMilliHz = 60_000;

    // Under a session's patience (35 ms), so that a slow monitor of the past doesn't make an unprotected flip of every one.
    private const long MaxPaceNs = 30_000_000;
    private const long SlowCheckNs = 50_000_000;

    private readonly HubSurface[] _surfaces = new HubSurface[LinkLimits.Surfaces];
    private readonly List<HubViewer> _viewers = new(LinkLimits.Viewers);
    private readonly TimerQueue _timers;
    private readonly EventLoop? _loop;
    private readonly ILogger _logger;
    private readonly LoopTimer _flush;
    private readonly LoopTimer _slow;
    private uint _lastCursorVersion;
    private bool _isDisposed;

    /// <summary>Makes a hub without viewers.</summary>
    /// <param name="loop">Where everything happens. Borrowed.</param>
    /// <param name="events">Hears about the frames: the guest's <see cref="Session"/>.</param>
    /// <param name="name">The guest's, for titles.</param>
    /// <param name="statistics">The guest's: what is told to viewers, and what they tell.</param>
    /// <param name="logger">Hears of viewers that come, go and break rules.</param>
    public LinkHub(EventLoop loop, IDisplayEvents events, string name, GuestStatistics statistics, ILogger logger)
        : this(loop?.Timers ?? throw new ArgumentNullException(nameof(loop)), loop, events, name, statistics, logger)
    {
    }

    /// <summary>Without a loop: a test turns the crank.</summary>
    internal LinkHub(TimerQueue timers, EventLoop? loop, IDisplayEvents events, string name, GuestStatistics statistics, ILogger logger)
    {
        _timers = timers;
        _loop = loop;
        _logger = logger;
        Events = events;
        Name = name;
        Statistics = statistics;
        _flush = timers.Create(OnFlush);
        _slow = timers.Create(OnSlowCheck);
        for (var i = 0; i < _surfaces.Length; i++)
        {
            var index = i;
            _surfaces[i].Pace = timers.Create(() => OnPace(index));
            _surfaces[i].RefreshMilliHz = UsualRefreshMilliHz;
        }
    }

    /// <summary>How many viewers there are, those included that haven't said hello.</summary>
    public int ViewerCount => _viewers.Count;

    /// <summary>Whether a viewer is in charge: it paces the guest and decides about modes.</summary>
    public bool IsControlled => InCharge is not null;

    /// <summary>What the viewer in charge calls itself; empty without one.</summary>
    public string InChargeName => InCharge?.Name ?? string.Empty;

    /// <summary>What the guest has to type and point with: viewers are told when they connect.</summary>
    public InputKinds Takes { get; init; }

    /// <summary>The guest's name.</summary>
    internal string Name { get; }

    internal IDisplayEvents Events { get; }

    internal GuestStatistics Statistics { get; }

    internal HubViewer? InCharge { get; private set; }

    /// <summary>Takes in a viewer, or sends it away if there are too many.</summary>
    /// <param name="socket">Connected, of packets. Adopted, also on failure.</param>
    /// <exception cref="SyscallException">The socket can't be watched.</exception>
    public void Add(UnixSocketHandle socket)
    {
        var viewer = new HubViewer(this, _timers, _loop, socket);
        if (_viewers.Count == LinkLimits.Viewers)
        {
            viewer.Close(ByeCode.Full, $"{LinkLimits.Viewers} viewers are there already");
            return;
        }

        _viewers.Add(viewer);
        viewer.Greet(Name, Takes);
    }

    /// <inheritdoc/>
    public void Present(int scanout, in GuestFrame frame)
    {
        ref var surface = ref _surfaces[scanout];
        var old = Withdraw(scanout, ref surface, out var superseded);
        surface.Content = SurfaceContent.Frame;
        surface.Newest = frame;
        surface.Unanswered.Add(frame.Serial);
        foreach (var viewer in _viewers)
            viewer.Surface(scanout).Missed.Add(in frame.Damage);
        if (InCharge is null)
            ArmPace(ref surface);
        ArmFlush();
        LetGo(old);
        if (superseded != 0)
            Events.Superseded(scanout, superseded); // last: it may bring the next frame
    }

    /// <inheritdoc/>
    public void Disable(int scanout)
    {
        ref var surface = ref _surfaces[scanout];
        var cursor = surface.Cursor.Storage;
        (surface.Cursor, surface.CursorVersion) = (default, 0);
        ShowNothing(scanout, SurfaceContent.None);
        LetGo(cursor);
    }

    /// <inheritdoc/>
    /// <remarks>Viewers needn't know.</remarks>
    public void Suspend(int scanout)
    {
    }

    /// <inheritdoc/>
    public void Blank(int scanout) => ShowNothing(scanout, SurfaceContent.Black);

    /// <inheritdoc/>
    public void SetCursor(int scanout, in CursorImage image, int x, int y)
    {
        ref var surface = ref _surfaces[scanout];
        var old = surface.Cursor.Storage;
        (surface.Cursor, surface.CursorX, surface.CursorY) = (image, x, y);
        surface.CursorVersion = ++_lastCursorVersion;
        ArmFlush();
        LetGo(old);
    }

    /// <inheritdoc/>
    public void MoveCursor(int scanout, int x, int y)
    {
        (_surfaces[scanout].CursorX, _surfaces[scanout].CursorY) = (x, y);
        ArmFlush();
    }

    /// <summary>Sends the viewers away and lets everything go. Frames without an answer get none any more.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _flush.Cancel();
        _slow.Cancel();
        InCharge = null;
        foreach (var viewer in _viewers)
            viewer.Close(ByeCode.Leaving, "the guest is gone");
        foreach (var viewer in _viewers)
            viewer.Storages.Abandon();
        _viewers.Clear();
        foreach (ref var surface in _surfaces.AsSpan())
        {
            surface.Pace.Cancel();
            if (surface.Content == SurfaceContent.Frame)
            {
                surface.Newest.Acquire.Fence?.Dispose();
                surface.Newest.Storage.Unlock();
            }

            surface.Content = SurfaceContent.None;
            surface.Cursor.Storage?.Unlock();
            surface.Cursor = default;
        }
    }

    internal ref readonly HubSurface Surface(int index) => ref _surfaces[index];

    /// <summary>There is something to tell: at the end of the loop's turn, in one packet.</summary>
    internal void ArmFlush()
    {
        if (!_flush.IsArmed && !_isDisposed && _viewers.Count > 0)
            _flush.ArmIn(0);
    }

    /// <summary>A test's turn of the crank.</summary>
    internal void OnReady()
    {
        for (var i = _viewers.Count - 1; i >= 0; i--)
            _viewers[i].OnReady();
    }

    private void OnFlush()
    {
        for (var i = _viewers.Count - 1; i >= 0; i--)
        {
            if (i < _viewers.Count) // one that is lost goes, and others may go with it
                _viewers[i].Flush();
        }
    }

    private void ShowNothing(int scanout, SurfaceContent content)
    {
        ref var surface = ref _surfaces[scanout];
        var old = Withdraw(scanout, ref surface, out var superseded);
        surface.Content = content;
        surface.Newest = default;
        foreach (var viewer in _viewers)
            viewer.Surface(scanout).HasMissedAll = true;
        ArmFlush();
        LetGo(old);
        if (superseded != 0)
            Events.Superseded(scanout, superseded);
    }

    /// <summary>Takes the newest frame out: another one comes, or none.</summary>
    /// <param name="scanout">Where.</param>
    /// <param name="surface">Its state.</param>
    /// <param name="superseded">The frame's serial, if nobody else will answer it; else 0.</param>
    /// <returns>Its storage, to be let go once the new state is complete; null if there was none.</returns>
    private BufferStorage? Withdraw(int scanout, ref HubSurface surface, out ulong superseded)
    {
        superseded = 0;
        if (surface.Content != SurfaceContent.Frame)
            return null;
        surface.Newest.Acquire.Fence?.Dispose();
        var serial = surface.Newest.Serial;
        var isAnswered = InCharge is { } viewer && viewer.Surface(scanout).Outstanding.Contains(serial);
        if (!isAnswered && surface.Unanswered.Remove(serial))
            superseded = serial;
        return surface.Newest.Storage;
    }

    /// <summary>The hub shows a storage no more: its lock goes, and viewers that aren't in charge have some time.</summary>
    private void LetGo(BufferStorage? storage)
    {
        if (storage is null)
            return;
        foreach (var viewer in _viewers)
        {
            if (viewer == InCharge || viewer.Storages.Find(storage) is not { Locks: > 0, StaleSinceNs: 0 } entry || IsShown(storage))
                continue;
            entry.StaleSinceNs = _timers.Clock.NowNs;
            if (!_slow.IsArmed)
                _slow.ArmIn(LinkLimits.KeepNs);
        }

        storage.Unlock();
    }

    private bool IsShown(BufferStorage storage)
    {
        foreach (ref readonly var surface in _surfaces.AsSpan())
        {
            if ((surface.Content == SurfaceContent.Frame && surface.Newest.Storage == storage) || surface.Cursor.Storage == storage)
                return true;
        }

        return false;
    }

    private void ArmPace(ref HubSurface surface)
    {
        if (surface.Pace.IsArmed)
            return;
        var now = _timers.Clock.NowNs;
        var interval = Math.Min(1_000_000_000_000 / surface.RefreshMilliHz, MaxPaceNs);
        surface.Pace.ArmAt(surface.PacedNs + interval is var next && next > now ? next : now + interval);
    }

    private void OnPace(int scanout)
    {
        ref var surface = ref _surfaces[scanout];
        if (surface.Content != SurfaceContent.Frame || InCharge?.WillAnswer(scanout, surface.Newest.Serial) == true)
            return;
        surface.PacedNs = _timers.Clock.NowNs;
        if (surface.Unanswered.Remove(surface.Newest.Serial))
            Events.Superseded(scanout, surface.Newest.Serial); // nobody saw it
    }

    private void OnSlowCheck()
    {
        var now = _timers.Clock.NowNs;
        var isAnyStale = false;
        for (var i = _viewers.Count - 1; i >= 0; i--)
        {
            if (i >= _viewers.Count || _viewers[i] is not { } viewer || viewer == InCharge)
                continue;
            var since = viewer.Storages.OldestStaleNs();
            if (since == long.MaxValue)
                continue;
            if (now - since >= LinkLimits.KeepNs)
                Remove(viewer, $"it has kept a picture for {(now - since) / 1_000_000} ms after a newer one was there", ByeCode.Slow);
            else
                isAnyStale = true;
        }

        if (isAnyStale && !_isDisposed)
            _slow.ArmIn(SlowCheckNs);
    }
}
