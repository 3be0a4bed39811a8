// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>
/// A compositor for tests: one client, no screen, time by hand. It keeps to the letter of the protocols: whatever a strict compositor would
/// end the connection for ends the test, with the sentence that says why.
/// </summary>
public sealed class FakeCompositor
    : IWlCompositorRequests, IWlShmRequests, IXdgWmBaseRequests, IWlSubcompositorRequests, IWpViewporterRequests, IWpPresentationRequests,
        IZxdgDecorationManagerV1Requests, IWpSinglePixelBufferManagerV1Requests, IWpFractionalScaleManagerV1Requests, IWpLinuxDrmSyncobjManagerV1Requests, IZwpLinuxExplicitSynchronizationV1Requests, IDisposable
{
    private readonly List<SharedRegion> _memory = [];
    private readonly List<FakeSurface> _surfaces = [];
    private readonly VirtualClock _clock;
    private XdgWmBaseResource? _wmBase;
    private WlOutputResource? _output;
    private WaylandServerGlobal? _outputGlobal;

    public FakeCompositor(FakeCompositorOptions options, VirtualClock clock)
    {
        Options = options;
        _clock = clock;
        var (ours, theirs) = UnixSocketHandle.CreatePair(nonBlocking: true);
        AddGlobals();
        Client = Server.AddClient(ours);
        ClientConnection = new WaylandConnection(theirs);
    }

    public FakeCompositorOptions Options { get; }

    public WaylandServer Server { get; } = new();

    public WaylandServerClient Client { get; }

    /// <summary>The other end: for the client under test.</summary>
    public WaylandConnection ClientConnection { get; }

    public FakeDmabuf? Dmabuf { get; private set; }

    /// <summary>The seat, once the client has bound it.</summary>
    public FakeSeat? Seat { get; private set; }

    public FakeDesktop Desktop { get; private set; } = null!;

    public FakeGrabs Grabs { get; private set; } = null!;

    public FakeTablet Tablet { get; private set; } = null!;

    public List<FakeToplevel> Toplevels { get; } = [];

    public FakeToplevel Toplevel => Toplevels[^1];

    public IReadOnlyList<FakeSurface> Surfaces => _surfaces;

    public List<uint> Pongs { get; } = [];

    public List<string> Violations { get; } = [];

    public IReadOnlyList<FakeBuffer> Buffers => [.. Client.Resources<WlBufferResource>().Select(static b => (FakeBuffer)b.Tag!)];

    /// <summary>Buffers that the client destroyed while they were held. Protocols allow that; but who does it hears no more when their pixels are free.</summary>
    public List<FakeBuffer> DestroyedHeld { get; } = [];

    /// <summary>What time it is.</summary>
    internal long NowNs => _clock.NowNs;

    /// <summary>Whether it sends nothing any more.</summary>
    public bool IsDead { get; private set; }

    /// <summary>How many timelines the client shares with it.</summary>
    public int ImportedTimelines => Client.Resources<WpLinuxDrmSyncobjTimelineV1Resource>().Count();

    public int Pools => Client.Resources<WlShmPoolResource>().Count();

    /// <summary>Every request that has arrived is handled.</summary>
    public void Dispatch()
    {
        Server.Dispatch();
        if (Violations.Count > 0)
            throw new InvalidOperationException("the client broke the protocol: " + string.Join("; ", Violations));
        if (Client.Failure is { Kind: not WaylandFailureKind.Closed } failure)
            throw new InvalidOperationException(failure.Message);
    }

    /// <summary>The screen refreshes: callbacks, feedback and releases that are due go out.</summary>
    public void Refresh()
    {
        foreach (var surface in _surfaces.ToArray())
            surface.Refresh(_clock.NowNs);
        Client.Flush();
    }

    public void Ping(uint serial)
    {
        _wmBase!.SendPing(serial);
        Client.Flush();
    }

    public void EnterOutput(FakeSurface surface)
    {
        surface.Resource.SendEnter(_output!);
        Client.Flush();
    }

    public void LeaveOutput(FakeSurface surface)
    {
        surface.Resource.SendLeave(_output!);
        Client.Flush();
    }

    public void ChangeRefresh(int milliHz)
    {
        _output!.SendMode(WlOutputMode.Current, 1024, 768, milliHz);
        _output.SendDone();
        Client.Flush();
    }

    public void ChangeOutput(int width, int height, int widthMm, int heightMm, WlOutputTransform transform, int scale)
    {
        _output!.SendGeometry(0, 0, widthMm, heightMm, WlOutputSubpixel.Unknown, "fake", "screen", transform);
        _output.SendMode(WlOutputMode.Current, width, height, Options.RefreshMilliHz);
        _output.SendScale(scale);
        _output.SendDone();
        Client.Flush();
    }

    /// <summary>The output's global goes.</summary>
    public void RemoveOutput()
    {
        Server.RemoveGlobal(_outputGlobal!);
        Client.Flush();
    }

    /// <summary>Another output, with a name.</summary>
    /// <returns>Its global, and what the client bound, once it has.</returns>
    public (WaylandServerGlobal Global, Func<WlOutputResource> Bound) PlugOutput(string name, int width, int height, int milliHz)
    {
        WlOutputResource? bound = null;
        var global = Server.AddGlobal<WlOutputResource>(4, r =>
        {
            bound = r;
            r.SendMode(WlOutputMode.Current, width, height, milliHz);
            r.SendName(name);
            r.SendDone();
        });
        Client.Flush();
        return (global, () => bound!);
    }

    /// <summary>That output's global goes.</summary>
    public void UnplugOutput(WaylandServerGlobal global)
    {
        Server.RemoveGlobal(global);
        Client.Flush();
    }

    /// <summary>A surface is shown at another scale, in 120ths.</summary>
    public void Rescale(FakeSurface surface, uint of120)
    {
        surface.FractionalScale!.SendPreferredScale(of120);
        Client.Flush();
    }

    /// <summary>The compositor dies.</summary>
    public void Die()
    {
        IsDead = true;
        Server.Dispose();
    }

    public void Violation(WaylandResource resource, uint code, string message)
    {
        Violations.Add($"{resource}: {message}");
        resource.PostError(code, message);
    }

    public void Dispose()
    {
        Die();
        ClientConnection.Dispose();
        foreach (var memory in _memory)
            memory.Dispose();
    }

    void IWlCompositorRequests.OnCreateSurface(WlCompositorResource sender, WlSurfaceResource id) => _surfaces.Add(new FakeSurface(this, id));

    void IWlShmRequests.OnCreatePool(WlShmResource sender, WlShmPoolResource id, ReceivedFd fd, int size)
    {
        var file = fd.Take<MemFdHandle>();
        if ((file.GetSeals() & FileSeals.Shrink) == 0)
            Violation(sender, (uint)WlShmError.InvalidFd, "the client could cut the pool under us");
        var memory = SharedRegion.TryOpen(file, 0, (ulong)size, mayMap: true, out var errno);
        if (memory is null)
        {
            Violation(sender, (uint)WlShmError.InvalidFd, $"a pool of {size} bytes: {errno}");
            return;
        }

        _memory.Add(memory);
        id.Handler = new Pool(this, memory, size);
    }

    void IXdgWmBaseRequests.OnGetXdgSurface(XdgWmBaseResource sender, XdgSurfaceResource id, WlSurfaceResource surface)
    {
        var fake = (FakeSurface)surface.Tag!;
        if (fake.Buffer is not null)
            Violation(sender, (uint)XdgWmBaseError.InvalidSurfaceState, "the surface has a buffer");
        if (fake.HasRole)
            Violation(sender, (uint)XdgWmBaseError.Role, "the surface has a role");
        Toplevels.Add(new FakeToplevel(this, fake, id));
    }

    void IXdgWmBaseRequests.OnPong(XdgWmBaseResource sender, uint serial) => Pongs.Add(serial);

    void IWlSubcompositorRequests.OnGetSubsurface(WlSubcompositorResource sender, WlSubsurfaceResource id, WlSurfaceResource surface, WlSurfaceResource parent) =>
        ((FakeSurface)surface.Tag!).BecomeSubsurface(id, (FakeSurface)parent.Tag!);

    void IWpViewporterRequests.OnGetViewport(WpViewporterResource sender, WpViewportResource id, WlSurfaceResource surface) => ((FakeSurface)surface.Tag!).AddViewport(id);

    void IWpFractionalScaleManagerV1Requests.OnGetFractionalScale(WpFractionalScaleManagerV1Resource sender, WpFractionalScaleV1Resource id, WlSurfaceResource surface)
    {
        var fake = (FakeSurface)surface.Tag!;
        if (fake.FractionalScale is not null)
            Violation(sender, (uint)WpFractionalScaleManagerV1Error.FractionalScaleExists, "second scale");
        fake.FractionalScale = id;
    }

    void IWpPresentationRequests.OnFeedback(WpPresentationResource sender, WlSurfaceResource surface, WpPresentationFeedbackResource callback) =>
        ((FakeSurface)surface.Tag!).AddFeedback(callback);

    void IWpLinuxDrmSyncobjManagerV1Requests.OnGetSurface(WpLinuxDrmSyncobjManagerV1Resource sender, WpLinuxDrmSyncobjSurfaceV1Resource id, WlSurfaceResource surface)
    {
        var fake = (FakeSurface)surface.Tag!;
        if (fake.Syncobj is not null)
            Violation(sender, (uint)WpLinuxDrmSyncobjManagerV1Error.SurfaceExists, "the surface has points already");
        fake.Syncobj = new FakeSyncobjSurface(this, fake, id);
    }

    void IWpLinuxDrmSyncobjManagerV1Requests.OnImportTimeline(WpLinuxDrmSyncobjManagerV1Resource sender, WpLinuxDrmSyncobjTimelineV1Resource id, ReceivedFd fd)
    {
        if (Options.Timelines!.Find(fd) is { } timeline)
            id.Tag = timeline;
        else
            Violation(sender, (uint)WpLinuxDrmSyncobjManagerV1Error.InvalidTimeline, "no timeline");
    }

    void IZwpLinuxExplicitSynchronizationV1Requests.OnGetSynchronization(
        ZwpLinuxExplicitSynchronizationV1Resource sender, ZwpLinuxSurfaceSynchronizationV1Resource id, WlSurfaceResource surface)
    {
        var fake = (FakeSurface)surface.Tag!;
        if (fake.Fenced is not null)
            Violation(sender, (uint)ZwpLinuxExplicitSynchronizationV1Error.SynchronizationExists, "the surface has fences already");
        fake.Fenced = new FakeFencedSurface(this, fake, id);
    }

    void IZxdgDecorationManagerV1Requests.OnGetToplevelDecoration(ZxdgDecorationManagerV1Resource sender, ZxdgToplevelDecorationV1Resource id, XdgToplevelResource toplevel)
    {
        var fake = (FakeToplevel)toplevel.Handler!;
        if (fake.Surface.Commits > 0)
            Violation(id, (uint)ZxdgToplevelDecorationV1Error.UnconfiguredBuffer, "decoration after the first commit");
        id.Handler = new Decoration(fake);
    }

    void IWpSinglePixelBufferManagerV1Requests.OnCreateU32RgbaBuffer(WpSinglePixelBufferManagerV1Resource sender, WlBufferResource id, uint r, uint g, uint b, uint a) =>
        _ = new FakeBuffer(this, id, new BufferSize(1, 1), null, 0, 0, (uint)WlShmFormat.Argb8888, (a >> 24 << 24) | (r >> 24 << 16) | (g >> 24 << 8) | (b >> 24));

    /// <summary>A seat is plugged in.</summary>
    /// <returns>Its global.</returns>
    public WaylandServerGlobal AddSeat() => Server.AddGlobal<WlSeatResource>(Options.SeatVersion, r => Seat = new FakeSeat(r, WlSeatCapability.Pointer | WlSeatCapability.Keyboard));

    internal void Keep(SharedRegion memory) => _memory.Add(memory);

    internal void Remove(FakeSurface surface) => _surfaces.Remove(surface);

    private void AddGlobals()
    {
        Server.AddGlobal<WlCompositorResource>(Options.CompositorVersion, r => r.Handler = this);
        Server.AddGlobal<WlShmResource>(1, r =>
        {
            r.Handler = this;
            r.SendFormat(WlShmFormat.Argb8888);
            r.SendFormat(WlShmFormat.Xrgb8888);
            foreach (var format in Options.ExtraShmFormats)
                r.SendFormat((WlShmFormat)format);
        });
        if (Options.FractionalScale)
            Server.AddGlobal<WpFractionalScaleManagerV1Resource>(1, r => r.Handler = this);
        _outputGlobal = Server.AddGlobal<WlOutputResource>(3, r =>
        {
            _output = r;
            r.SendMode(WlOutputMode.Current | WlOutputMode.Preferred, 1024, 768, Options.RefreshMilliHz);
            r.SendDone();
        });
        if (Options.Shell)
        {
            Server.AddGlobal<XdgWmBaseResource>(Options.WmBaseVersion, r =>
            {
                _wmBase = r;
                r.Handler = this;
            });
        }

        if (Options.Subcompositor)
            Server.AddGlobal<WlSubcompositorResource>(1, r => r.Handler = this);
        if (Options.Viewporter)
            Server.AddGlobal<WpViewporterResource>(1, r => r.Handler = this);
        if (Options.SinglePixel)
            Server.AddGlobal<WpSinglePixelBufferManagerV1Resource>(1, r => r.Handler = this);
        if (Options.Decorations)
            Server.AddGlobal<ZxdgDecorationManagerV1Resource>(1, r => r.Handler = this);
        if (Options.Presentation)
        {
            Server.AddGlobal<WpPresentationResource>(1, r =>
            {
                r.Handler = this;
                r.SendClockId(Options.PresentationClockId);
            });
        }

        if (Options.Timelines is not null)
            Server.AddGlobal<WpLinuxDrmSyncobjManagerV1Resource>(1, r => r.Handler = this);
        if (Options.Fences is not null)
            Server.AddGlobal<ZwpLinuxExplicitSynchronizationV1Resource>(1, r => r.Handler = this);
        if (Options.SeatVersion > 0)
            AddSeat();
        Grabs = new FakeGrabs(this);
        Desktop = new FakeDesktop(this);
        _ = new FakePolicies(this);
        Tablet = new FakeTablet(this);
        if (Options.DmabufVersion > 0)
            Server.AddGlobal<ZwpLinuxDmabufV1Resource>(Options.DmabufVersion, r => Dmabuf = new FakeDmabuf(this, r));
    }

    private sealed class Pool(FakeCompositor compositor, SharedRegion memory, int poolBytes) : IWlShmPoolRequests
    {
        void IWlShmPoolRequests.OnCreateBuffer(WlShmPoolResource sender, WlBufferResource id, int offset, int width, int height, int stride, WlShmFormat format)
        {
            if (format is not (WlShmFormat.Argb8888 or WlShmFormat.Xrgb8888) && !compositor.Options.ExtraShmFormats.Contains((uint)format))
                compositor.Violation(sender, (uint)WlShmError.InvalidFormat, $"format {format}");
            if (offset < 0 || width <= 0 || height <= 0 || stride < width * 4 || (long)offset + ((long)stride * height) > poolBytes)
                compositor.Violation(sender, (uint)WlShmError.InvalidStride, $"{width}x{height}, stride {stride}, at {offset} of {poolBytes}");
            else
                _ = new FakeBuffer(compositor, id, new BufferSize(width, height), memory, (ulong)offset, (uint)stride, (uint)format);
        }
    }

    private sealed class Decoration(FakeToplevel toplevel) : IZxdgToplevelDecorationV1Requests
    {
        void IZxdgToplevelDecorationV1Requests.OnSetMode(ZxdgToplevelDecorationV1Resource sender, ZxdgToplevelDecorationV1Mode mode)
        {
            toplevel.Decoration = mode;
            sender.SendConfigure(mode);
        }
    }
}
