// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Cli.Present;
using GuestSurfaces.Cli.Status;

namespace GuestSurfaces.Cli.Commands;

/// <summary><c>guest-surfaces present</c>: shows a guest that a device process serves.</summary>
internal static class PresentCommand
{
    public static Command Create()
    {
        var common = new ViewerOptions();
        var guest = new Argument<string>("guest") { Description = "Its name, as its device says with --name; or the path of its link's socket.", HelpName = "NAME|PATH" };
        guest.CompletionSources.Add(static _ => CompletionCommand.GuestNames());
        var viewOnly = new Option<bool>("--view-only") { Description = "Only look: leave pace, modes and input to another viewer." };
        var lifelineOption = Lifeline.CreateOption("viewer: end when this inherited socket's other end closes; until then wait for whatever isn't there");
        var command = new DetailedCommand(
            "present",
            "Show a guest that a device serves. The VM doesn't notice when this ends.",
            """
            Connects to $XDG_RUNTIME_DIR/guest-surfaces/NAME.link, or to the socket at PATH, and shows what the guest shows, from the last picture on. Several may show one guest;
            the first that isn't --view-only paces it. Closing the window ends this viewer only, with exit code 0; a signal does with 128 and its number, so that who restarts viewers can tell.
            The chord of --grab-chord gives the guest keyboard and mouse for itself, for games and the like, and takes them back; the window says so.
            A guest can be a desktop's background, or a surface of an IVI desktop; its screen then has the size of its place. Windows' app id is org.guestsurfaces.NAME, for rules of the desktop's (app-ids= of
            Weston's kiosk-shell, for_window of sway).
            When the compositor goes the windows come back with it; only a viewer that a compositor has started (WAYLAND_SOCKET) ends with that. When the guest's device goes they stay, dimmed, for the grace time, and a new device there takes them over.

              guest-surfaces device --name work --socket-path /run/user/1000/vm.sock &
              guest-surfaces present work
              guest-surfaces present work --view-only
              guest-surfaces present work --placement background --output DP-1
            """)
        {
            guest, viewOnly, common.Name, common.Fullscreen, common.Placement, common.Output, common.IviId, common.Grace, common.GrabChord, common.Convert, common.NoResize, common.Policy, common.Sync, lifelineOption, common.Verbose,
        };
        command.SetAction(result =>
        {
            var options = common.Read(result) with { ViewOnly = result.GetValue(viewOnly) };
            var path = PathOf(result.GetValue(guest)!);
            var lifelineNumber = result.GetValue(lifelineOption);
            if (lifelineNumber is not null)
                options = options with { IsSupervised = true, EndsWithSource = false };
            else if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable("WAYLAND_SOCKET")))
                options = options with { HasPrivateConnection = true, EndsWithSource = false };
            using var host = new PresentHost(options, (loop, opened) => new LinkDialer(loop, path, opened));
            using var lifeline = Lifeline.Inherit(host.Loop, lifelineNumber);
            host.Run();
            return host.ExitCode;
        });
        return command;
    }

    private static string PathOf(string guest)
    {
        if (guest.Contains('/', StringComparison.Ordinal))
            return guest;
        return StatusFolder.OfSession?.LinkPathOf(guest)
            ?? throw new UserErrorException("XDG_RUNTIME_DIR isn't set to a folder, and that is where guests are found by name", "run this in the session that the guest runs in, or give its socket's path");
    }
}
