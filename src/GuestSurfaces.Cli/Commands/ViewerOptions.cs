// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli.Present;
using GuestSurfaces.Presentation;

namespace GuestSurfaces.Cli.Commands;

/// <summary>Options of the commands that show what comes over the link.</summary>
internal sealed class ViewerOptions
{
    private const double MaxGraceSeconds = 86_400;

    public Option<string?> Name { get; } = new("--name", "-n")
    {
        Description = "For the windows' titles and app id (org.guestsurfaces.NAME), instead of what the guest calls itself.",
        HelpName = "NAME",
    };

    public Option<bool> Fullscreen { get; } = new("--fullscreen") { Description = "Open the windows full screen." };

    public Option<string?> Placement { get; } = CreatePlacement();

    public Option<string?> Output { get; } = new("--output")
    {
        Description =
            "The screens, by the names that the compositor has for them, one for each of the guest's heads: those that it fills, or is the background of, and sees as its monitors. "
            + "Ordinary windows are where the desktop puts them.",
        HelpName = "NAME[,NAME...]",
    };

    public Option<uint?> IviId { get; } = new("--ivi-id")
    {
        Description = "On an IVI desktop (weston's ivi-shell): the surface id of the first window; further ones have those after it. Where it is shown, and how large, is the desktop's to say.",
        HelpName = "N",
    };

    public Option<double> Grace { get; } = new("--grace")
    {
        Description = "How long windows stay, with their last picture dimmed and \"(disconnected)\" in their titles, when what they show is gone.",
        DefaultValueFactory = _ => 10,
        HelpName = "SECONDS",
    };

    public Option<string> GrabChord { get; } = CommonOptions.CreateGrabChord();

    public Option<bool> Convert { get; } = CommonOptions.CreateConvert();

    public Option<bool> NoResize { get; } = CommonOptions.CreateNoResize();

    public Option<string> Policy { get; } = CommonOptions.CreatePolicy();

    public Option<string> Sync { get; } = CommonOptions.CreateSync();

    public Option<bool> Verbose { get; } = new("--verbose", "-v") { Description = "Log every step of the conversations." };

    /// <summary>Reads the options.</summary>
    /// <param name="result">The parsed command line.</param>
    public PresentOptions Read(ParseResult result)
    {
        var grace = result.GetValue(Grace);
        if (grace is not (>= 0 and <= MaxGraceSeconds))
            throw new UserErrorException("--grace wants 0 to 86400 seconds", "for example --grace 10");
        return new PresentOptions
        {
            Name = result.GetValue(Name) is { } name ? CommonOptions.ParseName(name) : null,
            Placement = ReadPlacement(result),
            IviId = result.GetValue(IviId),
            GrabChord = CommonOptions.ParseGrabChord(result.GetValue(GrabChord)!),
            GraceNs = (long)(grace * 1e9),
            Convert = result.GetValue(Convert),
            ResizeGuest = !result.GetValue(NoResize),
            Policy = CommonOptions.ParsePolicy(result.GetValue(Policy)),
            Sync = CommonOptions.ParseSync(result.GetValue(Sync)),
            Verbose = result.GetValue(Verbose),
        };
    }

    private static Option<string?> CreatePlacement()
    {
        var option = new Option<string?>("--placement")
        {
            Description =
                "What the windows are on the desktop; counts instead of --fullscreen. background: under all windows, on compositors with wlr-layer-shell. What a compositor hasn't is a window; guest-surfaces status says why.",
            HelpName = string.Join('|', PlacementKinds.Names),
        };
        option.AcceptOnlyFromAmong([.. PlacementKinds.Names]);
        return option;
    }

    private WindowPlacement ReadPlacement(ParseResult result)
    {
        var kind = result.GetValue(Placement) is { } name ? PlacementKinds.TryParse(name)!.Value : result.GetValue(Fullscreen) ? PlacementKind.Fullscreen : PlacementKind.Window;
        return new WindowPlacement(kind, (result.GetValue(Output) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }
}
