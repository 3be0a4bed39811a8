// SPDX-License-Identifier: MIT
using FsCheck;
using FsCheck.Fluent;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing.Presentation;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>
/// Whatever guest, compositor, GPU and clock do, in whatever order: each frame is answered exactly once, never while something is read that the answer lets the
/// guest draw into, except when its time is up; and each exception is counted. The judge is a model that knows nothing but frames, locks and the time.
/// </summary>
public class FlipPropertyTests
{
    [Theory]
    [InlineData(ReleaseMode.WhenReplaced, "implicit")]
    [InlineData(ReleaseMode.AtRefresh, "implicit")]
    [InlineData(ReleaseMode.AtCommit, "implicit")]
    [InlineData(ReleaseMode.WhenReplaced, "fences")]
    [InlineData(ReleaseMode.AtRefresh, "fences")]
    [InlineData(ReleaseMode.AtCommit, "fences")]
    [InlineData(ReleaseMode.WhenReplaced, "timelines")]
    [InlineData(ReleaseMode.AtRefresh, "timelines")]
    [InlineData(ReleaseMode.AtCommit, "timelines")]
    [InlineData(ReleaseMode.WhenReplaced, "implicit", FlipPolicy.Fifo)]
    [InlineData(ReleaseMode.AtRefresh, "fences", FlipPolicy.Fifo)]
    [InlineData(ReleaseMode.WhenReplaced, "timelines", FlipPolicy.Fifo)]
    [InlineData(ReleaseMode.WhenReplaced, "implicit", FlipPolicy.Immediate)]
    [InlineData(ReleaseMode.AtRefresh, "fences", FlipPolicy.Immediate)]
    [InlineData(ReleaseMode.WhenReplaced, "timelines", FlipPolicy.Immediate)]
    public void Random_flips_are_answered_once_and_never_too_early(ReleaseMode release, string sync, FlipPolicy policy = FlipPolicy.Mailbox) =>
        Prop.ForAll<byte[]>(bytes =>
            {
                using var run = new Run(bytes ?? [], release, sync, policy);
                return run.Play();
            })
            .Check(Config.QuickThrowOnFailure.WithMaxTest(400).WithStartSize(5).WithEndSize(150));

    private sealed class Run : IDisplayEvents, IDisposable
    {
        private const long HoldNs = 35 * FlipFixture.Ms;
        private const int Scanouts = 2;

        private readonly byte[] _script;
        private readonly FlipFixture _f;
        private readonly TestPicture[] _pictures = [FlipFixture.Dmabuf(), FlipFixture.Dmabuf(), FlipFixture.Dmabuf(), FlipFixture.Dmabuf(), FlipFixture.Shm(), FlipFixture.Shm()];
        private readonly List<Frame> _frames = [];
        private readonly BufferStorage?[] _wanted = new BufferStorage?[Scanouts];
        private readonly ulong[] _committed = new ulong[Scanouts];
        private readonly List<string> _wrong = [];
        private readonly List<FakeFence> _fences = [];
        private Session _session = null!;
        private long _exceptions;
        private long _late;
        private bool _isClosing;
        private int _at;

        public Run(byte[] script, ReleaseMode release, string sync, FlipPolicy policy)
        {
            _script = script;
            var options = new FakeCompositorOptions
            {
                DmabufVersion = 4,
                Release = release,
                Timelines = sync == "timelines" ? new FakeTimelines() : null,
                Fences = sync == "fences" ? new FakeFences() : null,
                EarlyReleaseEvents = true,
                Fifo = true,
                CommitTiming = true,
                Tearing = true,
                ReleaseFence = () => (Next() & 3) == 0 ? NewFence() : null,
            };
            _f = new FlipFixture(options, session =>
            {
                _session = session;
                return this;
            }, options: new PresenterOptions { Policy = policy, Placement = policy == FlipPolicy.Immediate ? WindowPlacement.Fullscreen : WindowPlacement.Windows });
            _f.Answered = Judge;
        }

        public bool Play()
        {
            while (_at < _script.Length)
            {
                Step(Next());
                CheckNobodyWaitsTooLong();
            }

            foreach (var picture in _pictures)
                _f.Gpu.End(picture.Storage);
            for (var i = 0; i < 4; i++)
            {
                SignalFences();
                _f.Pass(HoldNs);
                if (!_f.IsLost)
                    _f.Refresh();
            }

            Require(_frames.TrueForAll(static frame => frame.IsAnswered), "a frame was never answered");
            Require(_f.Statistics.UnprotectedFlips == _exceptions, $"{_f.Statistics.UnprotectedFlips} exceptions were counted, there were {_exceptions}");
            Require(_f.Statistics.LateFlips == _late, $"{_f.Statistics.LateFlips} late answers were counted, there were {_late}");
            _f.Session.CloseWindows();
            if (!_f.IsLost)
                _f.Refresh();
            SignalFences();
            if (!_f.IsLost)
                _f.Refresh();
            Require(_pictures.All(static p => p.Storage.LockCount == 0), "a lock is left");
            return _wrong.Count == 0 ? true : throw new InvalidOperationException(string.Join("; ", _wrong));
        }

        public void Dispose()
        {
            _f.Dispose();
            foreach (var picture in _pictures)
                picture.Dispose();
        }

        private int Next() => _at < _script.Length ? _script[_at++] : 0;

        private void Step(int code)
        {
            var surface = _f.IsLost ? null : _f.Compositor.Toplevels.FindLast(w => !w.IsDestroyed && (w.Title.Length > 5) == ((code & 0x80) != 0))?.Surface;
            switch (code % 26)
            {
                case < 7:
                    Flip(Next());
                    return;
                case 7 or 8:
                    if (!_f.IsLost)
                        _f.Refresh();
                    return;
                case 9:
                    surface?.CallbackOnly(_f.Clock.NowNs);
                    break;
                case 10:
                    surface?.DiscardFeedback();
                    break;
                case 11 or 12:
                    surface?.ReleaseDue();
                    break;
                case 13:
                    _f.Gpu.Begin(_pictures[Next() % 4].Storage);
                    return;
                case 14:
                    _f.Gpu.End(_pictures[Next() % 4].Storage);
                    return;
                case 15 or 16:
                    _f.Pass(Next() % 20 * FlipFixture.Ms);
                    return;
                case 17:
                    var scanout = Next() % Scanouts;
                    _wanted[scanout] = null;
                    _f.Session.Disable(scanout);
                    return;
                case 18:
                    if ((Next() & 7) == 0)
                        CloseWindows();
                    return;
                case 19:
                    SignalFences();
                    return;
                case 20:
                    // Late answers of windows that are gone are another test's.
                    _f.Compositor.Dmabuf?.DefaultFeedback?.Send(_f.Compositor.Options.DefaultTranches);
                    break;
                case 21:
                    _f.Session.Blank(Next() % Scanouts);
                    break;
                case 22:
                    _f.Compositor.Toplevels.FindLast(static w => !w.IsDestroyed)?.Configure(200 + Next(), 200 + Next());
                    break;
                case 23:
                    if (_f.IsLost && (Next() & 1) == 0)
                        _f.Reconnect();
                    return;
                case 24:
                    Hurry(Next() % Scanouts);
                    return;
                default:
                    if ((Next() & 7) != 0 || _f.IsLost)
                        return;
                    _f.Session.Display = (code & 0x40) != 0 ? _f.Presenter : null;
                    _f.Die();
                    return;
            }

            // Either side may be ahead of the other.
            if ((code & 0x40) != 0 && !_f.IsLost)
                _f.Pump();
        }

        private void Flip(int code)
        {
            var scanout = (code >> 3) % 4 / 3; // mostly the first
            if (_frames.Count(frame => frame.Scanout == scanout && !frame.IsAnswered) >= 6)
                return; // a guest with a limit of its own; beyond, frames share a place
            var picture = _pictures[(code & 7) % _pictures.Length];
            _wanted[scanout] = picture.Storage;
            _frames.Add(new Frame(scanout, _f.LastSerial + 1, picture, _f.Clock.NowNs, (code & 0x40) == 0));
            var wish = Next();
            var acquire = (wish & 7) == 0 ? NewFence() : null;
            var targetNs = (wish & 0x30) == 0 ? _f.Clock.NowNs + ((wish >> 6) * 8 * FlipFixture.Ms) : 0;
            if ((code & 0x80) != 0)
                _f.Present(picture, scanout, _frames[^1].IsAwaited, acquire, targetNs);
            else
                _f.Flip(picture, scanout, _frames[^1].IsAwaited, acquire, targetNs);
        }

        private void Hurry(int scanout)
        {
            var waiting = _frames.FindAll(frame => frame.Scanout == scanout && !frame.IsAnswered);
            if (waiting.Count == 0)
                return;
            var last = waiting[Next() % waiting.Count];
            foreach (var frame in waiting.Where(frame => frame.Serial <= last.Serial))
                frame.DueNs = Math.Min(frame.DueNs, _f.Clock.NowNs + (HoldNs / 2));
            _f.Session.Hurry(scanout, last.Serial);
        }

        private FakeFence NewFence()
        {
            _fences.Add(_f.Fences.Create());
            return _fences[^1];
        }

        private void SignalFences()
        {
            while (_fences.Count > 0)
            {
                var fence = _fences[0];
                _fences.RemoveAt(0);
                fence.Signal();
            }

            if (!_f.IsLost)
                _f.Pump();
        }

        private void CloseWindows()
        {
            Array.Clear(_wanted);
            _isClosing = true;
            _f.Session.CloseWindows();
            _isClosing = false;
            Require(_frames.TrueForAll(static frame => frame.IsAnswered), "a guest that is gone was not answered");
            _frames.Clear(); // the next one has other memory
            if (!_f.IsLost)
                _f.Pump();
        }

        private void Judge(int scanout, ulong serial)
        {
            var answered = _frames.FindAll(frame => frame.Scanout == scanout && frame.Serial <= serial && !frame.IsAnswered);
            Require(answered.Count > 0 && answered[^1].Serial == serial, $"frame {serial} is answered twice");
            foreach (var frame in answered)
            {
                frame.IsAnswered = true;
                if (_isClosing || (frame.IsDone && IsFree(frame)))
                    continue;
                Require(_f.Clock.NowNs >= frame.DueNs, $"frame {frame.Serial} is answered {frame.DueNs - _f.Clock.NowNs} ns too early");
                _late += frame.IsAwaited ? 1 : 0;
                _exceptions += frame.IsAwaited && !IsFree(frame) ? 1 : 0;
            }
        }

        /// <summary>Everything shown before it alone is read by nobody, or meant to be read elsewhere.</summary>
        private bool IsFree(Frame frame)
        {
            foreach (var picture in _pictures)
            {
                var last = _frames.FindLast(f => f.Scanout == frame.Scanout && f.Picture == picture);
                if (last is { IsRead: true } && last.Serial < frame.Serial && _wanted[1 - frame.Scanout] != picture.Storage)
                    return false;
            }

            return true;
        }

        private void CheckNobodyWaitsTooLong()
        {
            foreach (var frame in _frames)
                Require(frame.IsAnswered || _f.Clock.NowNs <= frame.DueNs, $"frame {frame.Serial} waits too long");
        }

        private void Require(bool ok, string message)
        {
            if (!ok)
                _wrong.Add(message);
        }

        void IDisplayEvents.Committed(int scanout, ulong serial)
        {
            Require(serial > _committed[scanout], $"frame {serial} is committed after {_committed[scanout]}");
            _committed[scanout] = serial;
            ((IDisplayEvents)_session).Committed(scanout, serial);
        }

        void IDisplayEvents.Latched(int scanout, ulong serial, long timeNs)
        {
            foreach (var frame in _frames.Where(frame => frame.Scanout == scanout && frame.Serial <= serial))
                frame.IsDone = true;
            ((IDisplayEvents)_session).Latched(scanout, serial, timeNs);
        }

        void IDisplayEvents.Superseded(int scanout, ulong serial)
        {
            foreach (var frame in _frames.Where(frame => frame.Scanout == scanout && frame.Serial == serial))
                frame.IsDone = true;
            ((IDisplayEvents)_session).Superseded(scanout, serial);
        }

        void IDisplayEvents.ModeWanted(int scanout, in OutputMode mode) => ((IDisplayEvents)_session).ModeWanted(scanout, in mode);

        void IDisplayEvents.CloseWanted(int scanout) => ((IDisplayEvents)_session).CloseWanted(scanout);

        private sealed class Frame(int scanout, ulong serial, TestPicture picture, long sinceNs, bool isAwaited)
        {
            private readonly int _unlocks = picture.Unlocks;

            public int Scanout => scanout;

            public ulong Serial => serial;

            public TestPicture Picture => picture;

            /// <summary>Whether the guest's own pages are being read since this frame came.</summary>
            public bool IsRead => picture.Storage.IsDmabuf && picture.Storage.LockCount > 0 && picture.Unlocks == _unlocks;

            /// <summary>When it is answered at the latest.</summary>
            public long DueNs { get; set; } = sinceNs + HoldNs;

            public bool IsAwaited => isAwaited;

            public bool IsDone { get; set; }

            public bool IsAnswered { get; set; }
        }
    }
}
