// SPDX-License-Identifier: MIT
using GuestSurfaces.Plugin.Configuration;
using GuestSurfaces.Plugin.Control;
using GuestSurfaces.Presentation;
using Xunit;

namespace GuestSurfaces.Tests.Weston;

/// <summary>What weston.ini says about guests, and the host's packets.</summary>
public sealed class PluginSettingsTests
{
    [Fact]
    public void A_section_is_read_with_all_its_keys_and_the_rest_of_the_file_is_left_alone()
    {
        var settings = Read(
            """
            # comment
            stray=1
            [core]
            modules=guest-surfaces-10.so
            [guest-surface]
            name=work
            #name=other
            link=/run/a.link  
            placement=fullscreen
            output=HDMI-A-1, DP-1
            label-color=0xff3070ff
            name=second value
            [guest-surfaces]
            grab-chord=super+escape
            [guest-surface]
            name=b
            command=weston-terminal --fullscreen=yes
            """);
        Assert.Empty(settings.Complaints);
        Assert.Equal("Super+Escape", settings.Settings.GrabChord.ToString());
        var (work, b) = (settings.Settings.Guests[0], settings.Settings.Guests[1]);
        Assert.Equal(("work", "/run/a.link", null), (work.Name, work.Link, work.Command));
        Assert.True(work.Placement.IsFullscreen);
        Assert.Equal(["HDMI-A-1", "DP-1"], work.Placement.Outputs);
        Assert.Equal(0x3070FFu, work.Color);
        Assert.False(work.HasFrame);
        Assert.Equal(("b", null, "weston-terminal --fullscreen=yes"), (b.Name, b.Link, b.Command));
        Assert.True(b.HasFrame);
        Assert.Equal(GuestSection.DefaultColor, b.Color);
    }

    [Fact]
    public void A_chord_that_is_none_is_told_and_the_usual_one_counts()
    {
        var (settings, complaints) = Read("[guest-surfaces]\ngrab-chord=g");
        Assert.Equal("Ctrl+Alt+G", settings.GrabChord.ToString());
        Assert.Contains("\"grab-chord\" = \"g\"", Assert.Single(complaints), StringComparison.Ordinal);
    }

    [Fact]
    public void No_text_is_too_strange_to_be_read()
    {
        var random = new Random(7);
        string[] pieces = ["[guest-surface]", "[", "]", "\n", "=", "name", "name=", "link=/x", "placement=", "label-color=0x", "frame=true", "\0", "\u00e9", "#", "  ", "output=,,,", "a"];
        for (var round = 0; round < 2000; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => pieces[random.Next(pieces.Length)]));
            Assert.All(Read(text).Settings.Guests, static guest => Assert.True(GuestSection.IsName(guest.Name)));
        }
    }

    [Fact]
    public void A_request_and_an_answer_arrive_as_they_were_sent()
    {
        var request = ControlRequest.TryParse(new ControlRequest { Action = ControlAction.Move, Name = "a", Placement = new WindowPlacement(IsFullscreen: true, ["x", "y"]) }.ToJson());
        Assert.Equal((ControlAction.Move, "a", true), (request!.Action, request.Name, request.Placement.IsFullscreen));
        Assert.Equal(["x", "y"], request.Placement.Outputs);
        Assert.Null(ControlRequest.TryParse("{}"u8));
        Assert.Null(ControlRequest.TryParse("{\"action\":\"Dance\"}"u8));
        Assert.Equal("no", ControlReply.TryParse(new ControlReply { Problem = "no" }.ToJson())!.Problem);
    }

    private static (PluginSettings Settings, List<string> Complaints) Read(string text)
    {
        var complaints = new List<string>();
        return (PluginSettings.Read(text, complaints.Add), complaints);
    }
}
