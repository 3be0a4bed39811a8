// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Presentation.Diagnostics;

namespace GuestSurfaces.Cli.Doctor;

/// <summary>What the desktop's compositor takes and tells.</summary>
internal static class CompositorChecks
{
    private const string Dmabuf = "zwp_linux_dmabuf_v1";

    /// <summary>What pictures get along without: any of the interfaces will do.</summary>
    private static readonly (string Id, string Subject, string[] Interfaces, string With, string Without)[] s_comforts =
    [
        ("viewporter", "viewporter", ["wp_viewporter"], "guests are scaled to the window", "guests aren't scaled to the window"),
        ("presentation-time", "presentation time", ["wp_presentation"], "latencies are measured to the screen", "when a frame is on the screen is guessed from frame callbacks"),
        ("explicit-sync", "explicit sync", ["wp_linux_drm_syncobj_manager_v1", "zwp_linux_explicit_synchronization_v1"], "offered", "buffers come back by wl_buffer.release and their own fences"),
        ("fifo", "fifo", ["wp_fifo_manager_v1"], "offered", "frames are paced by frame callbacks"),
        ("commit-timing", "commit timing", ["wp_commit_timing_manager_v1"], "offered", "frames can't be told when to be shown"),
        ("fractional-scale", "fractional scale", ["wp_fractional_scale_manager_v1"], "offered", "on an output of scale 1.5 the compositor scales"),
        ("seat", "seat", ["wl_seat"], "keyboards and pointers are there to pass on", "nobody can type into guests"),
        ("pointer-constraints", "pointer lock", ["zwp_pointer_constraints_v1"], "offered", "games that lock the pointer don't get it"),
        ("relative-pointer", "relative pointer", ["zwp_relative_pointer_manager_v1"], "offered", "no motion beyond the window's edge"),
        ("tablet", "graphics tablets", ["zwp_tablet_manager_v2"], "pens are there to pass on (run --graphics-tablet)", "a pen is a mouse to guests"),
        ("shortcuts-inhibit", "shortcuts", ["zwp_keyboard_shortcuts_inhibit_manager_v1"], "guests can have the desktop's own key chords", "the desktop keeps its key chords, such as Super+Tab"),
        ("decoration", "decoration", ["zxdg_decoration_manager_v1"], "windows get title bars", "windows may have no title bar"),
    ];

    /// <summary>Judges it.</summary>
    /// <param name="facts">What was seen.</param>
    public static IEnumerable<Finding> Judge(HostFacts facts)
    {
        if (facts.Compositor is not { } compositor)
        {
            yield return new Finding("compositor", Area.Compositor, Severity.Broken, "compositor", facts.CompositorProblem)
            {
                Fix = facts.WaylandSockets is [var socket, ..] ? [$"export WAYLAND_DISPLAY={socket}"] : ["run this inside a Wayland session", "without a desktop: weston --backend=headless --socket=wayland-1 &   (then: export WAYLAND_DISPLAY=wayland-1)"],
                AgainstDirect = "there is no compositor",
            };
            yield break;
        }

        yield return compositor.Version("xdg_wm_base") > 0 && compositor.Version("wl_shm") > 0
            ? Good("compositor", "compositor", $"{compositor.Kind} at {compositor.Display}, {compositor.Globals.Count} interfaces")
            : new Finding("compositor", Area.Compositor, Severity.Broken, "compositor", $"{compositor.Kind} at {compositor.Display} lacks xdg_wm_base or wl_shm: it shows no windows")
            {
                Fix = ["run this in a desktop's session"],
                AgainstDirect = "the compositor shows no windows",
            };
        yield return JudgeDmabuf(compositor);
        foreach (var (id, subject, interfaces, with, without) in s_comforts)
        {
            var offered = interfaces.FirstOrDefault(name => compositor.Version(name) > 0);
            yield return offered is not null
                ? Good(id, subject, with)
                : new Finding(id, Area.Compositor, Severity.Lesser, subject, $"not offered: {without}");
        }
    }

    private static Finding JudgeDmabuf(CompositorReport compositor)
    {
        const string id = "linux-dmabuf", subject = "linux-dmabuf";
        var version = compositor.Version(Dmabuf);
        if (version == 0)
        {
            return new Finding(id, Area.Compositor, Severity.Slower, subject, "not offered: the compositor takes no dma-bufs, so every frame is copied into shared memory")
            {
                Fix = compositor.Kind switch
                {
                    "weston" => ["start it with a GPU's renderer: weston --renderer=gl"],
                    "wlroots" => ["start it with a GPU's renderer: WLR_RENDERER=gles2 sway"],
                    _ => ["a compositor that draws with GL or Vulkan, and a GPU's driver: ls /dev/dri"],
                },
                AgainstDirect = "the compositor offers no linux-dmabuf",
            };
        }

        // What guests draw in; ARGB is only for cursors.
        if (!compositor.Dmabufs.Offers(DrmFormat.Xrgb8888, DrmModifier.Linear))
        {
            return new Finding(id, Area.Compositor, Severity.Slower, subject, $"version {version}, but no XR24 LINEAR, which is what guests' pages are: the GPU draws each frame once more")
            {
                Fix = ["another GPU or driver for the compositor; for wlroots: WLR_RENDERER=gles2"],
                AgainstDirect = "the compositor takes no dma-bufs of guests' layout (XR24 LINEAR)",
            };
        }

        return version < 4
            ? new Finding(id, Area.Compositor, Severity.Lesser, subject, $"version {version}: takes guests' pages (XR24 LINEAR), but doesn't tell what it can scan out")
            : Good(id, subject, $"version {version}: takes guests' pages (XR24 LINEAR){(compositor.Dmabufs.ScansOut(DrmFormat.Xrgb8888, DrmModifier.Linear) ? ", and may scan them out" : "")}");
    }

    private static Finding Good(string id, string subject, string observation) => new(id, Area.Compositor, Severity.Good, subject, observation);
}
