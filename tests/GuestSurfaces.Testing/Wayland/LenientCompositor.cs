// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;

namespace GuestSurfaces.Testing.Wayland;

/// <summary>
/// A compositor without a screen, for tests of the wire: it takes any number of clients and almost everything that is well-formed, so that libwayland, fuzzers
/// and half-written clients can talk to it. Nothing happens by itself: the test says when frames are latched. Clients that must keep the protocols' rules are
/// judged by <see cref="Presentation.FakeCompositor"/>.
/// </summary>
public sealed class LenientCompositor : IDisposable, IWlCompositorRequests, IWlShmRequests, IWlShmPoolRequests, IXdgWmBaseRequests, IXdgSurfaceRequests, IWpPresentationRequests,
    IZwpLinuxDmabufV1Requests, IZwpLinuxBufferParamsV1Requests
{
    private readonly List<LenientSurface> _surfaces = [];

    /// <summary>Offers everything it knows.</summary>
    public LenientCompositor()
    {
        Server.AddGlobal<WlCompositorResource>(0, r => r.Handler = this);
        Server.AddGlobal<WlShmResource>(0, r =>
        {
            r.Handler = this;
            r.SendFormat(WlShmFormat.Argb8888);
            r.SendFormat(WlShmFormat.Xrgb8888);
        });
        Server.AddGlobal<XdgWmBaseResource>(0, r => r.Handler = this);
        Server.AddGlobal<WpPresentationResource>(0, r =>
        {
            r.Handler = this;
            r.SendClockId(1);
        });
        Server.AddGlobal<ZwpLinuxDmabufV1Resource>(3, r => // later ones tell formats in tables
        {
            r.Handler = this;
            if (r.Version >= 3)
                r.SendModifier(DrmFormat.Xrgb8888.Fourcc, 0, 0);
        });
    }

    /// <summary>The wire side: clients, more globals.</summary>
    public WaylandServer Server { get; } = new();

    /// <summary>Live surfaces, oldest first.</summary>
    public IReadOnlyList<LenientSurface> Surfaces => _surfaces;

    /// <summary>Whether importing a dma-buf succeeds.</summary>
    public bool AcceptsDmabufs { get; set; } = true;

    /// <summary>Descriptors received for planes and pools so far.</summary>
    public int ReceivedFds { get; private set; }

    /// <summary>One refresh of the imaginary screen, for all surfaces.</summary>
    public void LatchAll()
    {
        foreach (var surface in _surfaces.ToArray())
            surface.Latch();
    }

    /// <inheritdoc/>
    public void Dispose() => Server.Dispose();

    void IWlCompositorRequests.OnCreateSurface(WlCompositorResource sender, WlSurfaceResource id)
    {
        var surface = new LenientSurface(id);
        id.Handler = surface;
        _surfaces.Add(surface);
        id.Destroyed += _ => _surfaces.Remove(surface);
    }

    void IWlShmRequests.OnCreatePool(WlShmResource sender, WlShmPoolResource id, Interop.ReceivedFd fd, int size)
    {
        ReceivedFds++;
        id.Handler = this;
        if (size <= 0 || fd.GetSizeBytes() < (ulong)size)
            sender.PostError((uint)WlShmError.InvalidStride, "the pool is longer than its file");
    }

    void IXdgWmBaseRequests.OnGetXdgSurface(XdgWmBaseResource sender, XdgSurfaceResource id, WlSurfaceResource surface)
    {
        id.Handler = this;
        id.Tag = surface;
        if (surface.Handler is LenientSurface { Current: not null } fake)
            sender.PostError((uint)XdgWmBaseError.InvalidSurfaceState, $"{fake.Resource} has a buffer already");
    }

    void IXdgSurfaceRequests.OnGetToplevel(XdgSurfaceResource sender, XdgToplevelResource id)
    {
        if (sender.Tag is WlSurfaceResource { Handler: LenientSurface fake })
            fake.SetToplevel(sender, id);
    }

    void IWpPresentationRequests.OnFeedback(WpPresentationResource sender, WlSurfaceResource surface, WpPresentationFeedbackResource callback)
    {
        if (surface.Handler is LenientSurface fake)
            fake.Add(callback);
    }

    void IZwpLinuxDmabufV1Requests.OnCreateParams(ZwpLinuxDmabufV1Resource sender, ZwpLinuxBufferParamsV1Resource paramsId) => paramsId.Handler = this;

    void IZwpLinuxBufferParamsV1Requests.OnAdd(ZwpLinuxBufferParamsV1Resource sender, Interop.ReceivedFd fd, uint planeIdx, uint offset, uint stride, uint modifierHi, uint modifierLo)
    {
        ReceivedFds++;
        sender.Tag = "has planes";
    }

    void IZwpLinuxBufferParamsV1Requests.OnCreate(ZwpLinuxBufferParamsV1Resource sender, int width, int height, uint format, ZwpLinuxBufferParamsV1Flags flags)
    {
        if (sender.Tag is null)
            sender.PostError((uint)ZwpLinuxBufferParamsV1Error.Incomplete, "no planes were added");
        else if (AcceptsDmabufs)
            sender.SendCreated(new WlBufferResource());
        else
            sender.SendFailed();
    }

    void IZwpLinuxBufferParamsV1Requests.OnCreateImmed(ZwpLinuxBufferParamsV1Resource sender, WlBufferResource bufferId, int width, int height, uint format, ZwpLinuxBufferParamsV1Flags flags)
    {
        if (!AcceptsDmabufs)
            sender.PostError((uint)ZwpLinuxBufferParamsV1Error.InvalidWlBuffer, "the import failed");
    }
}
