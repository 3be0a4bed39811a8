// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli.FakeGuest;
using GuestSurfaces.Cli.Hosting;

namespace GuestSurfaces.Cli.Commands;

/// <summary><c>guest-surfaces fake-guest</c>: test pictures without a VM.</summary>
internal static class FakeGuestCommand
{
    public static Command Create()
    {
        var common = new CommonOptions();
        var picture = new Argument<string?>("picture")
        {
            HelpName = "PICTURE",
            Arity = ArgumentArity.ZeroOrOne,
            Description = "card (the default): a test card. gradient: one that changes with each frame. bars: moving colour bars. damage: small rectangles that come and go. solid: one colour a frame.",
        };
        picture.AcceptOnlyFromAmong([.. TestPictures.Names]);
        var frames = new Option<int?>("--frames") { Description = "How many frames to draw, then the last one stays. Without it: until stopped.", HelpName = "N" };
        var rate = new Option<int>("--rate") { Description = "Frames a second.", DefaultValueFactory = _ => 60, HelpName = "HZ" };
        var exit = new Option<bool>("--exit") { Description = "End after the last frame instead of leaving it on the screen." };
        var command = new DetailedCommand(
            "fake-guest",
            "Show test pictures without a VM.",
            """
            They go the way that a guest's go: to try a compositor, to compare screenshots pixel by pixel, to measure.

              guest-surfaces fake-guest card
              guest-surfaces fake-guest bars --outputs 2 --rate 30
              guest-surfaces fake-guest damage --frames 600 --exit --stats stats.json
            """)
        {
            picture, frames, rate, exit, common.Name, common.Fullscreen, common.Outputs, common.Size, common.Stats, common.Note, common.Link, common.LinkMode, common.LinkGroup, common.Policy, common.Sync, common.Verbose,
        };
        command.SetAction(result =>
        {
            var options = common.Read(result) with { ResizeGuest = false }; // a test picture has the size that was asked for
            var count = result.GetValue(frames) ?? int.MaxValue;
            var hz = result.GetValue(rate);
            if (count < 1 || hz is < 1 or > 1000)
                throw new UserErrorException("--frames wants at least 1, --rate 1 to 1000", "for example: --frames 600 --rate 60");
            using var host = new GuestHost(options) { EndsWithWindow = !options.ServesLink };
            using var guest = new FakeGuestTransport(host.Session, host.Loop.Timers, host.Statistics, result.GetValue(picture) ?? "card", options.Size, options.Outputs, count, hz);
            if (result.GetValue(exit))
                guest.Finished = host.Loop.Stop;
            host.Session.Transport = guest;
            guest.Start();
            host.Run();
            host.WriteStats();
            return 0;
        });
        return command;
    }
}
