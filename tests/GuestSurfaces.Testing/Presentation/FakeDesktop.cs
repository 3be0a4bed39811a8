// SPDX-License-Identifier: MIT
using System.Text;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>What a fake compositor has for surfaces that are no windows: numbers (IVI), layers, and the private protocol of the module in Weston.</summary>
public sealed class FakeDesktop : IIviApplicationRequests, IZwlrLayerShellV1Requests, IGuestSurfacesPresenterV1Requests
{
    private readonly FakeCompositor _compositor;
    private GuestSurfacesPresenterV1Resource? _presenter;
    private (GuestSurfacesPresenterV1PlacementKind Kind, string Outputs) _placement;

    internal FakeDesktop(FakeCompositor compositor)
    {
        _compositor = compositor;
        var options = compositor.Options;
        if (options.Ivi)
            compositor.Server.AddGlobal<IviApplicationResource>(1, r => r.Handler = this);
        if (options.LayerShellVersion > 0)
            compositor.Server.AddGlobal<ZwlrLayerShellV1Resource>(options.LayerShellVersion, r => r.Handler = this);
        if (options.Placement is not { } placement)
            return;
        _placement = placement;
        compositor.Server.AddGlobal<GuestSurfacesPresenterV1Resource>(1, r =>
        {
            _presenter = r;
            r.Handler = this;
            r.SendPlacement(_placement.Kind, _placement.Outputs);
        });
    }

    /// <summary>Every surface that was given such a role, in that order.</summary>
    public List<FakeDesktopSurface> All { get; } = [];

    /// <summary>The last of them.</summary>
    public FakeDesktopSurface Last => All[^1];

    /// <summary>Windows that were put onto an output, with its name.</summary>
    public List<(FakeSurface Surface, string Output)> WindowOutputs { get; } = [];

    /// <summary>The module wants the guest elsewhere.</summary>
    public void Place(GuestSurfacesPresenterV1PlacementKind kind, string outputs)
    {
        _placement = (kind, outputs);
        _presenter!.SendPlacement(kind, outputs);
        _compositor.Client.Flush();
    }

    void IIviApplicationRequests.OnSurfaceCreate(IviApplicationResource sender, uint iviId, WlSurfaceResource surface, IviSurfaceResource id)
    {
        if (All.Any(other => other.IviId == iviId && !other.IsDestroyed))
            _compositor.Violation(sender, (uint)IviApplicationError.IviId, $"{iviId} is another surface's");
        All.Add(new FakeDesktopSurface(_compositor, (FakeSurface)surface.Tag!, id) { IviId = iviId });
    }

    void IZwlrLayerShellV1Requests.OnGetLayerSurface(
        ZwlrLayerShellV1Resource sender, ZwlrLayerSurfaceV1Resource id, WlSurfaceResource surface, WlOutputResource? output, ZwlrLayerShellV1Layer layer, ReadOnlySpan<byte> @namespace)
    {
        if (layer != ZwlrLayerShellV1Layer.Background)
            _compositor.Violation(sender, (uint)ZwlrLayerShellV1Error.InvalidLayer, $"layer {layer}");
        if (((FakeSurface)surface.Tag!).Buffer is not null)
            _compositor.Violation(sender, (uint)ZwlrLayerShellV1Error.AlreadyConstructed, "the surface has a buffer");
        All.Add(new FakeDesktopSurface(_compositor, (FakeSurface)surface.Tag!, id) { Output = output, Namespace = Encoding.UTF8.GetString(@namespace) });
    }

    void IGuestSurfacesPresenterV1Requests.OnGetBackground(GuestSurfacesPresenterV1Resource sender, GuestSurfacesBackgroundV1Resource id, WlSurfaceResource surface, ReadOnlySpan<byte> output)
    {
        if (_placement.Kind != GuestSurfacesPresenterV1PlacementKind.Background)
            _compositor.Violation(sender, (uint)GuestSurfacesPresenterV1Error.Placement, "the host hasn't placed this guest so");
        All.Add(new FakeDesktopSurface(_compositor, (FakeSurface)surface.Tag!, id) { OutputName = Encoding.UTF8.GetString(output) });
    }

    void IGuestSurfacesPresenterV1Requests.OnSetOutput(GuestSurfacesPresenterV1Resource sender, WlSurfaceResource surface, ReadOnlySpan<byte> output)
    {
        var fake = (FakeSurface)surface.Tag!;
        if (fake.Buffer is not null)
            _compositor.Violation(sender, 0, "an output for a window that is shown already: nobody hears that");
        WindowOutputs.Add((fake, Encoding.UTF8.GetString(output)));
    }
}
