// SPDX-License-Identifier: MIT
using FsCheck;
using FsCheck.Fluent;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Testing.Link;
using GuestSurfaces.Testing.Presentation;
using Xunit;

namespace GuestSurfaces.Tests.Link;

/// <summary>
/// Whatever guest and viewers do, in whatever order: each frame is settled exactly once, every lock comes back, every storage closes, and when things calm down every
/// viewer shows what the guest drew last.
/// </summary>
[Collection(Alone.Name)]
public sealed class LinkPropertyTests
{
    [Fact]
    public void Random_sequences_answer_every_frame_once_and_end_with_the_right_picture() =>
        Prop.ForAll<byte[]>(bytes => new Run(bytes ?? []).Play())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(400).WithStartSize(5).WithEndSize(200));

    private sealed class Run(byte[] script)
    {
        private const int Scanouts = 3;

        private readonly AnswerBook _book = new();
        private readonly List<TestPicture> _pictures = [];
        private readonly (uint Pixel, bool IsFrame, bool IsThere)[] _model = new (uint, bool, bool)[Scanouts];
        private LinkFixture _f = null!;
        private int _at;
        private uint _color;

        public bool Play()
        {
            _f = new LinkFixture(_book);
            while (_at < script.Length)
                Step(Next());
            CalmDown();
            foreach (var viewer in _f.Viewers)
            {
                for (var i = 0; i < Scanouts; i++)
                    Check(viewer, i);
            }

            for (var i = 0; i < Scanouts; i++)
            {
                _f.Hub.Disable(i);
                _f.Hub.SetCursor(i, default, 0, 0);
            }

            CalmDown();
            foreach (var viewer in _f.Viewers)
            {
                viewer.Display.ReleaseAll();
                viewer.Dispose();
            }

            _f.Pump();
            Assert.Equal(0, _book.Waiting);
            foreach (var picture in _pictures)
            {
                picture.Dispose();
                Assert.True(picture.Storage.IsClosed);
            }

            _f.Dispose();
            return true;
        }

        private int Next() => _at < script.Length ? script[_at++] : 0;

        private void Step(int code)
        {
            var scanout = (code >> 4) % Scanouts;
            var viewer = _f.Viewers.Count > 0 ? _f.Viewers[Next() % _f.Viewers.Count] : null;
            switch (code % 16)
            {
                case 0 or 1 or 2 or 3:
                    Present(scanout);
                    break;
                case 4:
                    if (_f.Viewers.Count < 4)
                        _f.AddViewer(wantsControl: Next() % 3 != 0, credit: 1 + (Next() % 3));
                    break;
                case 5:
                    viewer?.Link.Dispose();
                    break;
                case 6:
                    if (viewer is { Link.IsConnected: false })
                        _f.Connect(viewer);
                    break;
                case 7 or 8:
                    if (viewer?.Display.Held.Exists(h => h.Scanout == scanout) == true)
                        viewer.Display.Latch(scanout);
                    break;
                case 9:
                    viewer?.Display.ReleaseOld();
                    break;
                case 10:
                    if (viewer is { Display.Held: { Count: > 0 } held })
                        ((IDisplayEvents)viewer.Link).Superseded(held[0].Scanout, held[0].Frame.Serial);
                    break;
                case 11:
                    _f.Clock.Advance(Next() * 1_000_000L);
                    break;
                case 12:
                    _f.Hub.Disable(scanout);
                    _model[scanout] = default;
                    break;
                case 13:
                    _f.Hub.Blank(scanout);
                    _model[scanout] = (0, false, true);
                    break;
                case 14:
                    SetCursor(scanout);
                    break;
                case 15:
                    if (_pictures.Count > 0)
                        _pictures[Next() % _pictures.Count].Storage.Drop();
                    break;
            }

            // Everybody may be ahead of everybody.
            var turns = Next();
            if ((turns & 1) != 0)
                _f.Timers.RunDue();
            if ((turns & 2) != 0)
                _f.Hub.OnReady();
            if ((turns & 4) != 0)
                viewer?.Link.OnReady();
        }

        private void Present(int scanout)
        {
            var picture = _pictures.Find(static p => p.View.Size.Width == 8 && p.Storage.LockCount == 0 && !p.Storage.IsDropped);
            if (picture is null)
            {
                picture = new TestPicture(8, 4);
                _pictures.Add(picture);
            }

            picture.Fill(picture.Whole, (_, _) => ++_color);
            _model[scanout] = (_color, true, true);
            _f.Present(picture, scanout, expect: serial => _book.Expect(scanout, serial));
        }

        private void SetCursor(int scanout)
        {
            var image = new TestPicture(4, 4, DrmFormat.Argb8888);
            image.Storage.Lock();
            _pictures.Add(image);
            _f.Hub.SetCursor(scanout, new CursorImage(image.Storage, image.View.Size, 0, 0), 1, 1);
        }

        private void CalmDown()
        {
            for (var round = 0; round < 6; round++)
            {
                // Some were told to go, others kept an old picture for too long.
                foreach (var viewer in _f.Viewers)
                {
                    if (!viewer.Link.IsConnected)
                        _f.Connect(viewer);
                }

                _f.Pump();
                foreach (var viewer in _f.Viewers)
                {
                    foreach (var held in viewer.Display.Held.ToArray())
                        viewer.Link.Latched(held.Scanout, held.Frame.Serial, 1);
                    viewer.Display.ReleaseOld();
                }

                _f.Pass(40_000_000);
            }
        }

        private void Check(LinkFixture.TestViewer viewer, int scanout)
        {
            Assert.True(viewer.Link.IsConnected);
            var (pixel, isFrame, isThere) = _model[scanout];
            var shows = viewer.Display.Shows.GetValueOrDefault(scanout, "nothing");
            Assert.Equal(isFrame ? "frame" : isThere ? "black" : "nothing", shows);
            if (!isFrame)
                return;
            var frame = viewer.Display.Held.FindLast(h => h.Scanout == scanout)!.Frame;
            Assert.Equal(pixel, HoldingDisplay.Pixel(in frame, 7, 3));
        }
    }
}
