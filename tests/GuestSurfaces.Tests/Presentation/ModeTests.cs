// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using FsCheck;
using FsCheck.Fluent;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Presentation;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Virtio.Gpu;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>The guest takes its window's pixels: size, scale, refresh and density, and nothing else.</summary>
public sealed class ModeTests
{
    private static readonly PresenterOptions s_following = new() { ResizeGuest = true };

    [Fact]
    public void At_a_scale_of_two_the_guest_is_asked_for_twice_the_pixels_and_they_are_shown_one_to_one()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { FractionalScale = true }, s_following);
        f.Show(new TestPicture(640, 480));
        f.Compositor.Rescale(f.Window.Surface, 240);
        f.Pump();
        Assert.Equal(new BufferSize(1280, 960), f.Events.Modes[^1].Size);
        Assert.Equal((640, 480), f.Window.Surface.Size); // the old picture keeps the window's place meanwhile
        f.Refresh();
        f.Show(new TestPicture(1280, 960));
        Assert.Equal((640, 480), f.Window.Surface.Destination);
        Assert.Equal((0, 0, 640, 480), f.Window.Geometry);
    }

    [Fact]
    public void A_window_without_wishes_of_its_own_tells_the_monitors_refresh_and_density_and_leaves_the_size()
    {
        using var f = new PresenterFixture(options: s_following);
        f.Show(new TestPicture(640, 480));
        Assert.Empty(f.Events.Modes);
        f.Compositor.EnterOutput(f.Window.Surface);
        f.Pump();
        Assert.Equal(new OutputMode(default, 60_000, 0, 0, Enabled: true), Assert.Single(f.Events.Modes));
        f.Compositor.ChangeRefresh(0); // variable
        f.Pump();
        Assert.Equal(0, f.Events.Modes[^1].RefreshMilliHz);
        Assert.Equal([60_000], f.Events.Refreshes);
    }

    [Fact]
    public void A_monitor_without_a_rate_of_its_own_has_the_one_that_shown_frames_tell()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { RefreshMilliHz = 0 }, s_following);
        var picture = new TestPicture(640, 480);
        f.Show(picture);
        f.Compositor.EnterOutput(f.Window.Surface);
        f.Pump();
        ShowAt(6_944_444, 2);
        Assert.Empty(f.Events.Refreshes); // one may err
        ShowAt(6_944_444, 1);
        Assert.Equal([144_000], f.Events.Refreshes);
        Assert.Equal(144_000, f.Events.Modes[^1].RefreshMilliHz);
        ShowAt(6_900_000, 10); // jitter
        ShowAt(0, 10);
        ShowAt(uint.MaxValue, 10);
        ShowAt(1, 10);
        Assert.Single(f.Events.Refreshes);
        ShowAt(16_666_667, 3); // another monitor
        Assert.Equal(59_999, f.Events.Refreshes[^1]);
        f.Compositor.ChangeRefresh(75_000); // its mode is the better word
        f.Pump();
        Assert.Equal(75_000, f.Events.Refreshes[^1]);
        ShowAt(6_944_444, 10);
        Assert.Equal((3, 75_000), (f.Events.Refreshes.Count, f.Events.Modes[^1].RefreshMilliHz));

        void ShowAt(uint refreshNs, int frames)
        {
            f.Window.Surface.PresentedRefreshNs = refreshNs;
            for (var i = 0; i < frames; i++)
            {
                f.Show(picture);
                f.Refresh();
            }
        }
    }

    [Fact]
    public void A_flip_is_held_for_two_of_the_refreshes_that_shown_frames_tell()
    {
        using var f = new FlipFixture(new FakeCompositorOptions { DmabufVersion = 4, RefreshMilliHz = 0 });
        using var a = FlipFixture.Dmabuf();
        using var b = FlipFixture.Dmabuf();
        for (var i = 0; i < 4; i++)
        {
            f.Flip(a);
            f.Surface().PresentedRefreshNs = 5_000_000;
            f.Refresh();
        }

        var held = f.Flip(b);
        f.Pass(9 * FlipFixture.Ms);
        Assert.DoesNotContain((0, held), f.Answers);
        f.Pass(FlipFixture.Ms);
        Assert.Contains((0, held), f.Answers);
    }

    [Theory]
    [InlineData(WlOutputTransform.Normal, 400, 225)]
    [InlineData(WlOutputTransform._90, 400, 225)]
    public void The_guests_monitor_is_as_dense_as_the_windows(WlOutputTransform transform, int widthMm, int heightMm)
    {
        using var f = new PresenterFixture(options: s_following);
        f.Show(new TestPicture(640, 480));
        f.Compositor.ChangeOutput(2560, 1440, 800, 450, transform, 1);
        f.Compositor.EnterOutput(f.Window.Surface);
        f.Window.Configure(1280, 720);
        f.Compositor.Client.Flush();
        f.Pump();
        Assert.Equal(new OutputMode(new BufferSize(1280, 720), 60_000, widthMm, heightMm, Enabled: true), f.Events.Modes[^1]);
    }

    [Fact]
    public void Without_fractional_scale_the_monitors_own_counts_and_a_full_screen_window_gets_its_mode()
    {
        using var f = new PresenterFixture(options: s_following);
        f.Show(new TestPicture(640, 480));
        f.Compositor.ChangeOutput(2879, 1620, 0, 0, WlOutputTransform.Normal, 2);
        f.Compositor.EnterOutput(f.Window.Surface);
        f.Window.Configure(1440, 810, XdgToplevelState.Fullscreen);
        f.Compositor.Client.Flush();
        f.Pump();
        Assert.Equal(new BufferSize(2879, 1620), f.Events.Modes[^1].Size);
        Assert.Equal(2879 * 254 / 1920, f.Events.Modes[^1].WidthMm); // 192 dots an inch: the guest's desktop chooses scale 2, too
    }

    [Fact]
    public void A_monitor_that_goes_while_the_window_is_on_it_changes_nothing_until_there_is_another()
    {
        using var f = new PresenterFixture(options: s_following);
        f.Show(new TestPicture(640, 480));
        f.Compositor.EnterOutput(f.Window.Surface);
        f.Pump();
        f.Compositor.LeaveOutput(f.Window.Surface);
        f.Pump();
        f.Compositor.EnterOutput(f.Window.Surface);
        f.Compositor.RemoveOutput();
        f.Pump();
        Assert.Single(f.Events.Modes);
        Assert.Null(f.Lost);
    }

    [Fact]
    public void Whatever_user_screen_and_guest_do_the_guest_ends_in_the_windows_pixels_with_one_mode_under_way_at_a_time() =>
        Prop.ForAll<byte[]>(static bytes => new Run(bytes ?? []).Play()).Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithStartSize(5).WithEndSize(100));

    /// <summary>A user, a strict compositor, our presenter and device, and a guest that follows when it gets to it.</summary>
    private sealed class Run(byte[] script)
    {
        private readonly PresenterFixture _f = new(new FakeCompositorOptions { FractionalScale = true }, s_following);
        private readonly GpuHarness _gpu = new(new VirtioGpuOptions { InitialModes = [new OutputMode(new BufferSize(96, 64), 60_000, 0, 0, true)] });
        private readonly List<TestPicture> _pictures = [];
        private int _at;
        private int _told;
        private int _followed;
        private int _heard;
        private uint _resource;
        private long _toldNs;
        private SurfaceScale _scale;

        public bool Play()
        {
            using (_f)
            using (_gpu)
            {
                Follow();
                while (_at < script.Length)
                    Step(Next());
                _f.Window.Configure(150 + (Next() % 400), 100 + Next(), Next() % 2 == 0 ? [XdgToplevelState.Maximized] : []);
                CalmDown();
                foreach (var picture in _pictures)
                    picture.Dispose();
                return true;
            }
        }

        private int Next() => _at < script.Length ? script[_at++] : 0;

        private void Step(int what)
        {
            switch (what % 8)
            {
                case 0:
                    _f.Window.Configure(150 + (Next() * 2), 100 + Next(), XdgToplevelState.Resizing);
                    break;
                case 1:
                    _f.Window.Configure(150 + (Next() * 2), 100 + Next());
                    break;
                case 2:
                    _f.Window.Configure(512, 320, Next() % 2 == 0 ? XdgToplevelState.Fullscreen : XdgToplevelState.TiledLeft);
                    break;
                case 3:
                    _f.Window.Configure(0, 0);
                    break;
                case 4:
                    _f.Compositor.Rescale(_f.Window.Surface, (_scale = SurfaceScale.Of((uint)(120 + (Next() % 13 * 10)))).Of120 is var of120 ? (uint)of120 : 0);
                    break;
                case 5:
                    _f.Compositor.EnterOutput(_f.Window.Surface);
                    _f.Compositor.ChangeOutput(512, 320, Next(), Next(), WlOutputTransform.Normal, 1);
                    break;
                case 6:
                    Follow();
                    break;
                default:
                    Pass((Next() % 100) * 1_000_000L);
                    break;
            }

            Settle();
        }

        private void Settle()
        {
            _f.Compositor.Client.Flush();
            _f.Refresh();
            for (; _heard < _f.Events.Modes.Count; _heard++)
                _gpu.Device.SetMode(0, _f.Events.Modes[_heard]);
            Pass(1_000_000);
        }

        private void Pass(long ns)
        {
            _f.Advance(ns);
            _gpu.Run(ns);
            if (_gpu.ConfigChanges == _told)
                return;
            Assert.True(_gpu.ConfigChanges == _told + 1, "two modes at once");
            Assert.True(_followed == _told || _gpu.Clock.NowNs - _toldNs >= 2_000_000_000, "a mode while the last one was under way");
            (_told, _toldNs) = (_gpu.ConfigChanges, _gpu.Clock.NowNs);
        }

        /// <summary>The guest looks at its monitor and takes its size.</summary>
        private void Follow()
        {
            var info = _gpu.Send((uint)VirtioGpuCommandType.GetDisplayInfo, []).Payload.AsSpan();
            var (width, height) = (BinaryPrimitives.ReadInt32LittleEndian(info[8..]), BinaryPrimitives.ReadInt32LittleEndian(info[12..]));
            GpuDriver.Require(_gpu.Create2D(++_resource, (uint)width, (uint)height));
            GpuDriver.Require(_gpu.SetScanout(0, _resource, new WireRect(0, 0, (uint)width, (uint)height)));
            if (_resource > 1)
                GpuDriver.Require(_gpu.Unref(_resource - 1));
            _followed = _told;
            var picture = new TestPicture(width, height);
            _pictures.Add(picture);
            _f.Show(picture);
            _f.Refresh();
        }

        private void CalmDown()
        {
            for (var i = 0; i < 6; i++)
            {
                Settle();
                Pass(2_100_000_000);
                Follow();
            }

            var shown = _pictures[^1].View.Size;
            var pixels = _scale.ToPixels(new SurfaceSize(_f.Window.Surface.Size.Width, _f.Window.Surface.Size.Height));
            Assert.True(shown == pixels, $"{shown} is shown on {pixels} at {_scale.Of120}/120");
            Assert.Equal(_told, _followed);
        }
    }
}
