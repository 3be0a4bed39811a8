// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Presentation.Conversion;
using GuestSurfaces.Presentation.Input;
using GuestSurfaces.Presentation.Policies;
using GuestSurfaces.Presentation.Roles;
using GuestSurfaces.Presentation.Sync;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Connection;

/// <summary>Whom a connection tells.</summary>
internal interface ICompositorOwner : IInputOwner
{
    /// <summary>The desktop has brought this guest in itself, and says where it belongs: before <see cref="OnReady"/>, and again whenever that changes.</summary>
    /// <param name="placement">Where.</param>
    void OnPlaced(WindowPlacement placement);

    /// <summary>Everything is bound and known: windows can be made.</summary>
    void OnReady();

    /// <summary>A monitor has changed, or is gone.</summary>
    void OnOutputsChanged();

    /// <summary>What the compositor imports has changed.</summary>
    void OnDmabufsChanged();

    /// <summary>A storage closed, and there are requests about it to send: otherwise the compositor keeps its memory.</summary>
    void OnStorageClosed();

    /// <summary>Something that isn't the compositor has led to requests: a fence. They are to be sent.</summary>
    void Flush();

    /// <summary>A frame has to be converted, for the first time.</summary>
    /// <param name="device">What the compositor draws with, a dev_t; 0 if it doesn't tell.</param>
    /// <returns>The GPU, for as long as the connection lasts; null if nothing is to be converted.</returns>
    GpuQueue? OpenGpu(ulong device);

    /// <summary>The compositor takes timelines: who makes them here?</summary>
    /// <param name="device">What the compositor draws with, a dev_t; 0 if it doesn't tell.</param>
    /// <returns>The device (the connection's), or why there is none.</returns>
    (ITimelineDevice? Device, string Problem) OpenTimelines(ulong device);

    /// <summary>How to synchronise; null: the best that both sides have.</summary>
    SyncMode? Sync { get; }

    /// <summary>The connection is at its end.</summary>
    /// <param name="failure">Why.</param>
    void OnLost(WaylandFailure failure);
}

/// <summary>
/// One connection to one compositor and what it offers. Transient, as is everything made from it: a compositor may go and come back.
/// Set-up doesn't wait: the registry, then everything bound, then its first events, each step ended by a wl_display.sync.
/// The portable floor is weston 10 headless: wl_compositor, wl_shm and xdg_wm_base are required, all else has a way without it.
/// </summary>
internal sealed class Compositor : IWaylandConnectionListener, IWaylandGlobalsListener, IWlCallbackListener
{
    private readonly DmabufReleases _releases;
    private readonly ICompositorOwner _owner;
    private readonly WaylandGlobals _globals;
    private readonly Outputs _outputs;
    private Seats? _seats;
    private GrabProtocols? _grabs;
    private ZwpTabletManagerV2? _tablets;
    private InputKinds _seatsTell;
    private BufferCache? _buffers;
    private BlackBuffers? _black;
    private BlackBuffers? _shade;
    private SignBuffers? _sign;
    private NoticeBuffers? _notices;
    private DmabufFeedbackReader? _feedback;
    private GpuQueue? _gpu;
    private bool _hasAskedForGpu;
    private ConnectionSync? _sync;
    private WpLinuxDrmSyncobjManagerV1? _timelines;
    private ZwpLinuxExplicitSynchronizationV1? _fences;

    /// <summary>Starts the set-up.</summary>
    /// <param name="connection">Adopted: <see cref="Close"/> disposes it.</param>
    /// <param name="timers">On CLOCK_MONOTONIC.</param>
    /// <param name="dmabufSync">Knows about dma-bufs' fences.</param>
    /// <param name="releases">Gives the locks of buffers back.</param>
    /// <param name="owner">Who is told.</param>
    public Compositor(WaylandConnection connection, TimerQueue timers, IDmabufSync dmabufSync, DmabufReleases releases, ICompositorOwner owner)
    {
        DmabufSync = dmabufSync;
        Connection = connection;
        Timers = timers;
        _releases = releases;
        _owner = owner;
        PresentationClock = new PresentationClock(timers.Clock);
        _outputs = new Outputs(owner.OnOutputsChanged);
        connection.Listener = this;
        _globals = new WaylandGlobals(connection, this);
        connection.Display.Sync(new WlCallback { Listener = this });
    }

    /// <summary>The connection.</summary>
    public WaylandConnection Connection { get; }

    /// <summary>The loop's.</summary>
    public TimerQueue Timers { get; }

    /// <summary>CLOCK_MONOTONIC.</summary>
    public IClock Clock => Timers.Clock;

    /// <summary>Whether windows can be made.</summary>
    public bool IsReady { get; private set; }

    /// <summary>Makes surfaces.</summary>
    public WlCompositor Surfaces { get; private set; } = null!;

    /// <summary>Makes windows and backgrounds of them.</summary>
    public SurfaceRoles Roles { get; private set; } = null!;

    /// <summary>Puts surfaces on surfaces; may be missing.</summary>
    public WlSubcompositor? Subcompositor { get; private set; }

    /// <summary>Scales and crops; may be missing.</summary>
    public WpViewporter? Viewporter { get; private set; }

    /// <summary>Tells surfaces the scale at which they are shown; may be missing.</summary>
    public WpFractionalScaleManagerV1? FractionalScales { get; private set; }

    /// <summary>Tells when frames are shown; may be missing.</summary>
    public WpPresentation? Presentation { get; private set; }

    /// <summary>Imports dma-bufs; may be missing.</summary>
    public ZwpLinuxDmabufV1? Dmabuf { get; private set; }

    /// <summary>Knows about dma-bufs' fences.</summary>
    public IDmabufSync DmabufSync { get; }

    /// <summary>How surfaces tell when their buffers may be read.</summary>
    public ConnectionSync Sync => _sync ?? throw new InvalidOperationException("the connection isn't set up yet");

    /// <summary>What it offers for other policies than the newest frame's.</summary>
    public PolicyProtocols Policies { get; private set; } = null!;

    /// <summary>What it says about dma-bufs in general.</summary>
    public DmabufFeedback Feedback => _feedback?.Current ?? DmabufFeedback.None;

    /// <summary>What converts; null if nothing does, for one because the compositor takes no dma-bufs at all. Opened when it is first asked for.</summary>
    public GpuQueue? Gpu
    {
        get
        {
            if (!_hasAskedForGpu && Dmabuf is not null)
                _gpu = _owner.OpenGpu(Feedback.MainDevice ?? 0);
            _hasAskedForGpu = true;
            return _gpu;
        }
    }

    /// <summary>The clock of presentation times.</summary>
    public PresentationClock PresentationClock { get; }

    /// <summary>The wl_buffers.</summary>
    public BufferCache Buffers => _buffers ?? throw new InvalidOperationException("the connection isn't set up yet");

    /// <summary>The black ones.</summary>
    public BlackBuffers Black => _black ?? throw new InvalidOperationException("the connection isn't set up yet");

    /// <summary>Those that halve what lies below.</summary>
    public BlackBuffers Shade => _shade ?? throw new InvalidOperationException("the connection isn't set up yet");

    /// <summary>The sign on pictures that nobody sends any more.</summary>
    public SignBuffers Sign => _sign ?? throw new InvalidOperationException("the connection isn't set up yet");

    /// <summary>What windows say in words.</summary>
    public NoticeBuffers Notices => _notices ?? throw new InvalidOperationException("the connection isn't set up yet");

    /// <summary>The monitors.</summary>
    public Outputs Outputs => _outputs;

    /// <summary>The seats; null while the guest has nothing to type and point with.</summary>
    public Seats? Seats => _seats;

    /// <summary>The guest has other devices from now on.</summary>
    public void UpdateSeats()
    {
        if (_owner.Takes == _seatsTell)
            return;
        _seatsTell = _owner.Takes;
        var old = _seats;
        if ((_seatsTell & InputKinds.Tablet) != 0)
            _tablets ??= _globals.Bind<ZwpTabletManagerV2>();
        _seats = _seatsTell == InputKinds.None ? null : new Seats(this, _owner, _grabs ??= new GrabProtocols(_globals), (_seatsTell & InputKinds.Tablet) != 0 ? _tablets : null);
        foreach (var global in _globals.All)
        {
            if (global.Interface != WlSeat.InterfaceType.Name)
                continue;
            old?.Remove(global);
            _seats?.Add(_globals, global);
        }
    }

    /// <summary>Sends what something else than the compositor's events has led to.</summary>
    public void Flush() => _owner.Flush();

    /// <summary>Ends the connection: every lock goes back.</summary>
    public void Close()
    {
        IsReady = false;
        _seats?.Forget();
        _buffers?.Abandon();
        _sync?.Close();
        _gpu?.Close();
        Connection.Listener = null;
        Connection.Dispose();
    }

    void IWaylandConnectionListener.OnFailed(WaylandConnection connection, WaylandFailure failure) => _owner.OnLost(failure);

    void IWaylandGlobalsListener.OnGlobalAdded(WaylandGlobals globals, WaylandGlobal global)
    {
        if (global.Interface == WlOutput.InterfaceType.Name)
            _outputs.Add(globals, global);
        else if (global.Interface == WlSeat.InterfaceType.Name)
            _seats?.Add(globals, global);
    }

    void IWaylandGlobalsListener.OnGlobalRemoved(WaylandGlobals globals, WaylandGlobal global)
    {
        _outputs.Remove(global);
        _seats?.Remove(global);
    }

    void IWlCallbackListener.OnDone(WlCallback sender, uint callbackData)
    {
        if (_buffers is not null)
        {
            _sync = new ConnectionSync(Connection.Display, DmabufSync, _timelines, _fences, Feedback.MainDevice is not null, _owner.Sync, () => _owner.OpenTimelines(Feedback.MainDevice ?? 0), Flush);
            IsReady = true;
            UpdateSeats();
            _owner.OnReady();
        }
        else if (FirstMissing() is { } missing)
        {
            _owner.OnLost(new WaylandFailure(WaylandFailureKind.Closed, $"the compositor can't show windows: it doesn't offer {missing}"));
        }
        else
        {
            BindAll();
            Connection.Display.Sync(sender);
        }
    }

    private string? FirstMissing()
    {
        foreach (var name in (ReadOnlySpan<string>)[WlCompositor.InterfaceType.Name, WlShm.InterfaceType.Name, XdgWmBase.InterfaceType.Name])
        {
            if (_globals.Find(name) is null)
                return name;
        }

        return null;
    }

    private void OnFeedback()
    {
        if (!IsReady)
            return; // the first word: nothing was tried yet
        Buffers.ForgetFailures();
        _owner.OnDmabufsChanged();
    }

    private void BindAll()
    {
        Surfaces = _globals.Require<WlCompositor>();
        _outputs.NameBy(_globals.Bind<ZxdgOutputManagerV1>());
        Roles = new SurfaceRoles(_globals, _outputs, _owner.OnPlaced);
        Subcompositor = _globals.Bind<WlSubcompositor>();
        Viewporter = _globals.Bind<WpViewporter>();
        FractionalScales = Viewporter is null ? null : _globals.Bind<WpFractionalScaleManagerV1>();
        Presentation = _globals.Bind<WpPresentation>();
        if (Presentation is { } presentation)
            presentation.Listener = PresentationClock;
        var canScale = Viewporter is not null;

        // Below version 3 there are no modifiers: nothing that says "linear".
        Dmabuf = _globals.Find(ZwpLinuxDmabufV1.InterfaceType.Name) is { Version: >= 3 } ? _globals.Bind<ZwpLinuxDmabufV1>() : null;
        if (Dmabuf is { } dmabuf)
            _feedback = new DmabufFeedbackReader(dmabuf, OnFeedback);
        _timelines = _globals.Bind<WpLinuxDrmSyncobjManagerV1>();
        _fences = _globals.Bind<ZwpLinuxExplicitSynchronizationV1>();
        Policies = new PolicyProtocols(
            _globals.Bind<WpFifoManagerV1>(), _globals.Bind<WpCommitTimingManagerV1>(), _globals.Bind<WpTearingControlManagerV1>(), PresentationClock);
        var shm = _globals.Require<WlShm>();
        var reason = Dmabuf is null ? "the compositor offers no linux-dmabuf" : string.Empty; // else the guest's side knows why its pixels are no dma-buf
        _buffers = new BufferCache(new ShmImporter(shm, canScale, reason), new DmabufImporter(Dmabuf, canScale), _releases, _owner.OnStorageClosed);
        var singlePixel = _globals.Bind<WpSinglePixelBufferManagerV1>();
        _black = new BlackBuffers(shm, singlePixel, canScale, alpha: 255);
        _shade = new BlackBuffers(shm, singlePixel, canScale, alpha: 128);
        _sign = new SignBuffers(shm);
        _notices = new NoticeBuffers(shm);
    }
}
