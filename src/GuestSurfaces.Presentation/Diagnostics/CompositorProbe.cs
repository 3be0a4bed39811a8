// SPDX-License-Identifier: MIT
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Diagnostics;

/// <summary>What a compositor offers, as far as presenting a guest depends on it.</summary>
/// <param name="Display">The socket it was found at.</param>
/// <param name="Globals">Interface names with the version it advertises.</param>
/// <param name="Dmabufs">
/// What it says about dma-bufs in general: for guest memory ask <see cref="DmabufFeedback.Offers"/> and <see cref="DmabufFeedback.ScansOut"/> about LINEAR.
/// <see cref="DmabufFeedback.None"/> if it offers no linux-dmabuf with modifiers. What it scans out, many tell only about a full-screen surface.
/// </param>
public sealed record CompositorReport(string Display, IReadOnlyDictionary<string, uint> Globals, DmabufFeedback Dmabufs)
{
    /// <summary>The advertised version of a global; 0 if it isn't there.</summary>
    /// <param name="interfaceName">Such as "zwp_linux_dmabuf_v1".</param>
    public uint Version(string interfaceName) => Globals.GetValueOrDefault(interfaceName);

    /// <summary>A guess at which compositor this is, from what only it has; "unknown" if none fits.</summary>
    public string Kind =>
        Version("weston_capture_v1") > 0 || Version("weston_screenshooter") > 0 || Version("weston_desktop_shell") > 0 ? "weston"
        : Version("gtk_shell1") > 0 ? "mutter"
        : Version("org_kde_plasma_shell") > 0 || Version("kde_output_management_v2") > 0 ? "kwin"
        : Version("zwlr_layer_shell_v1") > 0 ? "wlroots"
        : "unknown";
}

/// <summary>Connects, lists the globals, hears what is imported, disconnects. Blocks up to ten seconds: for diagnostics, never on the frame path.</summary>
public static class CompositorProbe
{
    /// <summary>Asks the compositor that the environment names.</summary>
    /// <returns>Its report, or null and the reason.</returns>
    public static (CompositorReport? Report, string Problem) Run()
    {
        var name = Environment.GetEnvironmentVariable("WAYLAND_DISPLAY");
        return string.IsNullOrEmpty(name) ? (null, "WAYLAND_DISPLAY isn't set: this isn't a Wayland session") : Run(name);
    }

    /// <summary>Asks a compositor.</summary>
    /// <param name="name">A socket's path or name.</param>
    /// <returns>Its report, or null and the reason.</returns>
    public static (CompositorReport? Report, string Problem) Run(string name)
    {
        try
        {
            using var connection = WaylandConnection.Connect(name);
            var globals = new WaylandGlobals(connection, null);
            connection.Roundtrip(TimeSpan.FromSeconds(5));
            var versions = new Dictionary<string, uint>(StringComparer.Ordinal);
            foreach (var global in globals.All)
                versions[global.Interface] = Math.Max(global.Version, versions.GetValueOrDefault(global.Interface));
            return (new CompositorReport(name, versions, ListenToDmabufs(connection, globals)), "");
        }
        catch (Exception e) when (e is IOException or TimeoutException or WaylandException)
        {
            return (null, e.Message);
        }
    }

    private static DmabufFeedback ListenToDmabufs(WaylandConnection connection, WaylandGlobals globals)
    {
        if (globals.Find(ZwpLinuxDmabufV1.InterfaceType.Name) is not { Version: >= 3 } global)
            return DmabufFeedback.None;
        var reader = new DmabufFeedbackReader(globals.Bind<ZwpLinuxDmabufV1>(global), static () => { });
        connection.Roundtrip(TimeSpan.FromSeconds(5));
        return reader.Current;
    }
}
