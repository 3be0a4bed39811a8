// SPDX-License-Identifier: MIT
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Presentation.Windows;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Roles;

/// <summary>
/// The roles that a compositor has for surfaces. What is asked for and isn't there becomes a window, with the reason: a guest that nobody sees is no answer.
/// </summary>
internal sealed class SurfaceRoles : IXdgWmBaseListener
{
    private readonly Outputs _outputs;
    private readonly XdgWmBase _windows;
    private readonly ZxdgDecorationManagerV1? _decorations;
    private readonly IviApplication? _ivi;
    private readonly ZwlrLayerShellV1? _layers;
    private readonly PrivatePlacement? _desktop;

    /// <summary>Binds what there is.</summary>
    /// <param name="globals">The compositor's; windows are among them.</param>
    /// <param name="outputs">Its monitors.</param>
    /// <param name="placed">Hears where a desktop that brings its guests in itself wants this one.</param>
    public SurfaceRoles(WaylandGlobals globals, Outputs outputs, Action<WindowPlacement> placed)
    {
        ArgumentNullException.ThrowIfNull(globals);
        _outputs = outputs;
        _windows = globals.Require<XdgWmBase>();
        _windows.Listener = this;
        _decorations = globals.Bind<ZxdgDecorationManagerV1>();
        _ivi = globals.Bind<IviApplication>();
        _layers = globals.Bind<ZwlrLayerShellV1>();
        _desktop = PrivatePlacement.TryBind(globals, placed);
    }

    /// <summary>What a head's surface is to be here.</summary>
    /// <param name="head">0 to 15.</param>
    /// <param name="placement">What is asked for.</param>
    /// <param name="iviId">The first head's number; null: none is asked for.</param>
    public RoleChoice Choose(int head, WindowPlacement placement, uint? iviId)
    {
        ArgumentNullException.ThrowIfNull(placement);
        var reason = "";
        if (iviId is not null && _ivi is not null)
            return new RoleChoice(RoleKind.Ivi, placement.Kind, null, "", "");
        if (iviId is not null)
            reason = "the compositor has no numbers for surfaces (ivi_application): only IVI desktops do, such as weston's ivi-shell";

        var name = placement.OutputOf(head);
        var output = placement.Kind == PlacementKind.Window ? null : _outputs.For(head, name);
        name ??= _outputs.NameOf(output);
        if (placement.Kind == PlacementKind.Background && _desktop is not null)
            return new RoleChoice(RoleKind.Background, placement.Kind, output, name ?? "", reason);
        if (placement.Kind == PlacementKind.Background && _layers is not null)
            return new RoleChoice(RoleKind.Layer, placement.Kind, output, name ?? "", reason);
        if (placement.Kind == PlacementKind.Background)
            return new RoleChoice(RoleKind.Toplevel, PlacementKind.Window, null, "", "the compositor lets nobody make backgrounds: it has no zwlr_layer_shell_v1");
        return new RoleChoice(RoleKind.Toplevel, placement.Kind, output, name ?? "", reason);
    }

    /// <summary>Gives a fresh surface its role.</summary>
    /// <param name="choice">As <see cref="Choose"/> says.</param>
    /// <param name="surface">Without role and buffer. Borrowed; destroyed after its role.</param>
    /// <param name="scanout">Whose it is.</param>
    /// <param name="owner">Who is told.</param>
    public SurfaceRole Create(in RoleChoice choice, WlSurface surface, IScanout scanout, ISurfaceRoleOwner owner)
    {
        ArgumentNullException.ThrowIfNull(scanout);
        switch (choice.Kind)
        {
            case RoleKind.Ivi:
                return new IviRole(_ivi!, surface, scanout.Options.IviId!.Value + (uint)scanout.Index, owner);
            case RoleKind.Layer:
                return new LayerRole(_layers!, surface, choice.Output, scanout.AppId, owner);
            case RoleKind.Background:
                return new BackgroundRole(_desktop!.Proxy, surface, choice.OutputName, owner);
        }

        if (choice is { Place: PlacementKind.Window, OutputName.Length: > 0 })
            _desktop?.Proxy.SetOutput(surface, choice.OutputName); // full screen xdg-shell has a word for it
        return new ToplevelRole(_windows, scanout.Options.Decorations ? _decorations : null, surface, scanout.Title, scanout.AppId, in choice, owner);
    }

    void IXdgWmBaseListener.OnPing(XdgWmBase sender, uint serial) => sender.Pong(serial);
}
