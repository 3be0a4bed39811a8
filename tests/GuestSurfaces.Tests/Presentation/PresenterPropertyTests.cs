// SPDX-License-Identifier: MIT
using FsCheck;
using FsCheck.Fluent;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>
/// Whatever guest, user and compositor do, in whatever order: each frame is settled exactly once, every lock comes back, the protocol is kept
/// (the fake ends the test otherwise), and when things calm down the screen shows what the guest drew last.
/// </summary>
public class PresenterPropertyTests
{
    [Theory]
    [InlineData("XR24", ReleaseMode.WhenReplaced, 0u)]
    [InlineData("XR24", ReleaseMode.AtCommit, 0u)]
    [InlineData("XR24", ReleaseMode.AtRefresh, 0u)]
    [InlineData("XB24", ReleaseMode.WhenReplaced, 0u)]
    [InlineData("XR24", ReleaseMode.WhenReplaced, 3u)]
    [InlineData("XR24", ReleaseMode.WhenReplaced, 4u)]
    [InlineData("XR24", ReleaseMode.AtRefresh, 5u)]
    public void Random_sequences_settle_every_frame_once_and_end_with_the_right_picture(string format, ReleaseMode release, uint dmabufVersion) =>
        Prop.ForAll<byte[]>(bytes => new Run(bytes ?? [], DrmFormat.FromLetters(format), release, dmabufVersion).Play())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithStartSize(5).WithEndSize(120));

    private sealed class Run(byte[] script, DrmFormat format, ReleaseMode release, uint dmabufVersion)
    {
        private const int Width = 24;
        private const int Height = 16;

        private readonly PresenterFixture _f = new(new FakeCompositorOptions
        {
            Release = release,
            DmabufVersion = dmabufVersion,
            SeatVersion = 8,
            HoldImports = dmabufVersion != 0,
            ConfigureAtOnce = script.Length % 2 == 0,
        });

        private readonly uint[] _drawn = new uint[Width * Height];
        private readonly List<TestPicture> _pictures = [];
        private readonly HashSet<ulong> _presented = [];
        private TestPicture? _last;
        private int _at;
        private ulong _device;

        public bool Play()
        {
            using (_f)
            {
                _f.Presenter.Takes = InputKinds.Keyboard | InputKinds.Pointer;
                _f.Pump();
                while (_at < script.Length)
                    Step(Next());
                CalmDown();
                if (!ShowsWhatWasDrawn())
                    return false;
                _f.Presenter.Disable(0);
                _f.Pump();
                _f.Refresh();
            }

            return _pictures.TrueForAll(static p => p.Storage.LockCount == 0)
                && _f.Lost is null
                && _f.Events.Settled.Order().SequenceEqual(_presented.Order());
        }

        private int Next() => _at < script.Length ? script[_at++] : 0;

        private void Step(int code)
        {
            var window = _f.Compositor.Toplevels.Count > 0 && !_f.Window.IsDestroyed ? _f.Window : null;
            switch (code % 18)
            {
                case 0 or 1 or 2:
                    Present(FreePicture());
                    break;
                case 3:
                    Present(_last ?? FreePicture()); // fbcon: draws into what is being shown
                    break;
                case 4 or 5:
                    _f.Refresh();
                    break;
                case 6:
                    window?.Surface.CallbackOnly(_f.Clock.NowNs);
                    break;
                case 7:
                    window?.Surface.PresentOnly(_f.Clock.NowNs);
                    break;
                case 8:
                    window?.Surface.DiscardFeedback();
                    break;
                case 9:
                    XdgToplevelState[] states = [XdgToplevelState.Activated, XdgToplevelState.Maximized, XdgToplevelState.Fullscreen, XdgToplevelState.Resizing];
                    window?.Configure(10 + (Next() % 60), 10 + (Next() % 60), states[Next() % 4]);
                    break;
                case 10:
                    _f.Presenter.Disable(0);
                    _last = null;
                    break;
                case 11:
                    _f.Presenter.Blank(0);
                    _last = null;
                    break;
                case 12:
                    SetCursor();
                    break;
                case 13:
                    _f.Presenter.MoveCursor(0, Next() % 40, Next() % 40);
                    break;
                case 14:
                    ChangeFeedback();
                    break;
                case 15:
                    _f.Presenter.ShowDisconnected();
                    _last = null;
                    break;
                case 16:
                    if (window is not null)
                        _f.Compositor.Seat!.Point(window.Surface, Next() % 10, Next() % 10);
                    break;
                case 17:
                    if (window is not null)
                        _f.Compositor.Seat!.PointElsewhere(window.Surface);
                    break;
            }

            // Either side may be ahead of the other.
            _f.Compositor.Client.Flush();
            if ((code & 0x80) != 0)
                _f.Presenter.Dispatch();
            if ((code & 0x40) != 0)
                _f.Compositor.Dispatch();
            if (dmabufVersion != 0 && (code & 0x20) != 0)
                _f.Compositor.Dmabuf?.AnswerImports();
        }

        private void Present(TestPicture picture)
        {
            var rect = new BufferRect(Next() % Width, Next() % Height, 1 + (Next() % 8), 1 + (Next() % 8)).Intersect(new BufferRect(0, 0, Width, Height));
            for (var y = rect.Y; y < rect.Bottom; y++)
            {
                for (var x = rect.X; x < rect.Right; x++)
                    _drawn[(y * Width) + x] = TestPicture.Pattern(x, y, (uint)_at) & 0xff_ffff;
            }

            // As the copy rung does: whatever buffer it is, all of the picture is in it.
            picture.Fill(picture.Whole, (x, y) => Encode(_drawn[(y * Width) + x]));
            var frame = _f.Frame(picture, DamageList.Of(rect));
            _presented.Add(frame.Serial);
            _last = picture;
            _f.Presenter.Present(0, in frame);
        }

        private void SetCursor()
        {
            var image = new TestPicture(4, 4, DrmFormat.Argb8888);
            image.Storage.Lock();
            _pictures.Add(image);
            _f.Presenter.SetCursor(0, new CursorImage(image.Storage, image.View.Size, Next() % 4, Next() % 4), Next() % 40, Next() % 40);
        }

        /// <summary>What is being imported fails just then: it has to be asked again.</summary>
        private void ChangeFeedback()
        {
            if (_f.Compositor.Dmabuf is not { } dmabuf || dmabuf.Feedbacks.Find(static feedback => feedback.Surface is not null && feedback.Resource.IsAlive) is not { } feedback)
                return;
            feedback.Send([new FakeTranche(Next() % 2 == 0, (DrmFormat.Xrgb8888, DrmModifier.Linear)) { Device = ++_device }], withTable: _device == 1 || Next() % 2 == 0);
            dmabuf.AnswerImports(refuse: true);
        }

        private TestPicture FreePicture()
        {
            var free = _pictures.Find(static p => p.View.Size.Width == Width && p.Storage.LockCount == 0);
            if (free is not null)
                return free;
            free = new TestPicture(Width, Height, format, isDmabuf: dmabufVersion != 0);
            _pictures.Add(free);
            return free;
        }

        private void CalmDown()
        {
            _f.Pump();
            if (_f.Compositor.Toplevels.Count > 0 && !_f.Window.IsDestroyed)
                _f.Window.Configure(0, 0);
            _f.Presenter.SetCursor(0, default, 0, 0);
            for (var i = 0; i < 4; i++)
            {
                _f.Compositor.Client.Flush();
                _f.Pump();
                _f.Compositor.Dmabuf?.AnswerImports();
                _f.Refresh();
            }
        }

        private bool ShowsWhatWasDrawn() => _last is null || _f.Window.Render().SequenceEqual(_drawn);

        private uint Encode(uint rgb) => format == DrmFormat.Xbgr8888 ? ((rgb & 0xff) << 16) | (rgb & 0xff00) | (rgb >> 16) : rgb;
    }
}
