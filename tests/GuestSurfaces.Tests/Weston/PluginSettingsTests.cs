// SPDX-License-Identifier: MIT
using System.Text;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Plugin.Configuration;
using GuestSurfaces.Plugin.Control;
using GuestSurfaces.Plugin.Host;
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
            policy=fifo
            sync=linux-drm-syncobj
            ivi-id=4000000000
            frame=false
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
        Assert.Equal(PlacementKind.Fullscreen, work.Placement.Kind);
        Assert.Equal(["HDMI-A-1", "DP-1"], work.Placement.Outputs);
        Assert.Equal(0x3070FFu, work.Color);
        Assert.False(work.HasFrame);
        Assert.Equal((FlipPolicy.Fifo, SyncMode.Timelines, 4_000_000_000), (work.Policy, work.Sync, work.IviId));
        Assert.Equal(["--name=work", "--fullscreen", "--policy=fifo", "--sync=linux-drm-syncobj", "--ivi-id=4000000000"], work.PresenterOptions());
        Assert.Equal(("b", null, "weston-terminal --fullscreen=yes"), (b.Name, b.Link, b.Command));
        Assert.Null(b.HasFrame); // unless it fills a screen
        Assert.False(b.MayBeCaptured);
        Assert.Equal(GuestSection.DefaultColor, b.Color);
        Assert.Equal(["--name=b"], b.PresenterOptions());
    }

    [Fact]
    public void A_chord_that_is_none_is_told_and_the_usual_one_counts()
    {
        var (settings, complaints) = Read("[guest-surfaces]\ngrab-chord=g");
        Assert.Equal("Ctrl+Alt+G", settings.GrabChord.ToString());
        Assert.Contains("\"grab-chord\" = \"g\"", Assert.Single(complaints), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("link=/a", "policy", "fastest")]
    [InlineData("link=/a", "policy", "1")]
    [InlineData("link=/a", "policy", "")]
    [InlineData("link=/a", "sync", "explicit")]
    [InlineData("link=/a", "ivi-id", "-1")]
    [InlineData("link=/a", "ivi-id", "4294967296")]
    [InlineData("link=/a", "placement", "ceiling")]
    [InlineData("link=/a", "capture", "yes")]
    [InlineData("command=true", "policy", "fifo")]
    [InlineData("command=true", "sync", "auto")]
    [InlineData("command=true", "ivi-id", "7")]
    [InlineData("command=true", "capture", "true")]
    public void A_section_with_a_wrong_value_is_left_out_and_the_complaint_names_number_key_and_value(string way, string key, string value)
    {
        var (settings, complaints) = Read($"[guest-surface]\nname=good\nlink=/b\nsync=auto\nplacement=background\n[guest-surface]\nname=bad\n{way}\n{key}={value}");
        var good = Assert.Single(settings.Guests);
        Assert.Equal((PlacementKind.Background, null), (good.Placement.Kind, good.Sync));
        Assert.StartsWith($"[guest-surface] number 2 is left out: key \"{key}\" = \"{value}\" ", Assert.Single(complaints), StringComparison.Ordinal);
    }

    [Fact]
    public void No_text_is_too_strange_to_be_read()
    {
        var random = new Random(7);
        string[] pieces = ["[guest-surface]", "[", "]", "\n", "=", "name", "name=", "link=/x", "placement=", "label-color=0x", "frame=true", "policy=fifo", "sync=", "ivi-id=1", "\0", "\u00e9", "#", "  ", "output=,,,", "a"];
        for (var round = 0; round < 2000; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => pieces[random.Next(pieces.Length)]));
            Assert.All(Read(text).Settings.Guests, static guest => Assert.True(GuestSection.IsName(guest.Name)));
        }
    }

    [Fact]
    public void A_request_and_an_answer_arrive_as_they_were_sent()
    {
        var request = ControlRequest.TryParse(new ControlRequest { Action = ControlAction.Move, Name = "a", Placement = new WindowPlacement(PlacementKind.Fullscreen, ["x", "y"]) }.ToJson());
        Assert.Equal((ControlAction.Move, "a", PlacementKind.Fullscreen), (request!.Action, request.Name, request.Placement.Kind));
        Assert.Equal(["x", "y"], request.Placement.Outputs);
        Assert.Null(ControlRequest.TryParse("{}"u8));
        Assert.Null(ControlRequest.TryParse("{\"action\":\"Dance\"}"u8));
        Assert.Equal("no", ControlReply.TryParse(new ControlReply { Problem = "no" }.ToJson())!.Problem);
    }

    [Fact]
    public void Outputs_that_no_message_could_carry_are_refused_wherever_they_come_from()
    {
        string[][] good = [[], ["DP-1"], [.. Enumerable.Repeat(new string('\u20ac', 64), 16)]];
        string[][] bad = [[new string('x', 65)], [.. Enumerable.Repeat("x", 17)], ["a\0b"], [null!]];
        Assert.All(good, static names => Assert.NotNull(Parse(names)));
        Assert.All(bad, static names => Assert.Null(Parse(names)));
        Assert.Empty(Read($"[guest-surface]\nname=a\nlink=/a\noutput={string.Join(',', good[^1])}").Complaints);
        var (settings, complaints) = Read($"[guest-surface]\nname=a\nlink=/a\noutput={bad[0][0]}\n[guest-surface]\nname=b\nlink=/b\noutput={string.Join(',', bad[1])}");
        Assert.Empty(settings.Guests);
        Assert.All(complaints, static complaint => Assert.Contains(" is left out: key \"output\" = \"x", complaint, StringComparison.Ordinal));
        Assert.Equal(2, complaints.Count);

        static ControlRequest? Parse(string[] names) =>
            ControlRequest.TryParse(new ControlRequest { Action = ControlAction.Move, Name = "a", Placement = new WindowPlacement(PlacementKind.Fullscreen, names) }.ToJson());
    }

    [Fact]
    public void A_line_for_the_desktops_log_fits_into_a_message_whatever_it_says()
    {
        Assert.Equal("a b c", DesktopConnection.ToLine("a\nb\0c"));
        Assert.InRange(Encoding.UTF8.GetByteCount(DesktopConnection.ToLine(new string('\u20ac', 5000))), 3000, 4000);
    }

    [Fact]
    public void Whoever_asks_hears_of_its_end_when_the_answer_fails_and_of_a_host_that_says_nothing()
    {
        var folder = Directory.CreateTempSubdirectory("gs-control");
        try
        {
            var path = Path.Combine(folder.FullName, "control");
            var failures = new List<string>();
            using var loop = new EventLoop { Failed = e => failures.Add(e.Message) };
            using var socket = new ControlSocket(loop, path, static _ => throw new InvalidOperationException("it can't"));
            using var caller = UnixSocketHandle.Connect(path, SocketKind.Packets, nonBlocking: true);
            Assert.Equal(Errno.None, caller.Send(new ControlRequest { Action = ControlAction.List }.ToJson(), [], out _));
            for (var turn = 0; turn < 100 && failures.Count == 0; turn++)
                loop.RunOnce(100);
            Assert.Equal(["it can't"], failures);
            Assert.Equal((Errno.None, 0), (caller.Receive(new byte[16], [], out var received, out _), received));
            var silent = Assert.Throws<TimeoutException>(() => ControlClient.Ask(path, new ControlRequest { Action = ControlAction.List }, patienceMs: 50)); // the loop stands still
            Assert.Contains(path, silent.Message, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static (PluginSettings Settings, List<string> Complaints) Read(string text)
    {
        var complaints = new List<string>();
        return (PluginSettings.Read(text, complaints.Add), complaints);
    }
}
