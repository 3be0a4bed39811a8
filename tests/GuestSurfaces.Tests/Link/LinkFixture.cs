// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using GuestSurfaces.Link;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Presentation;
using Microsoft.Extensions.Logging.Abstractions;

namespace GuestSurfaces.Tests.Link;

/// <summary>A source and its viewers in one thread, over real sockets, on a clock that stands still.</summary>
internal sealed class LinkFixture : IDisposable
{
    private readonly List<TestPicture> _pictures = [];
    private ulong _serial;

    /// <param name="events">Hears of the frames; null: <see cref="Events"/>.</param>
    /// <param name="takes">What the guest has to type and point with.</param>
    public LinkFixture(IDisplayEvents? events = null, InputKinds takes = InputKinds.None)
    {
        Timers = new TimerQueue(Clock);
        Hub = new LinkHub(Timers, null, events ?? Events, "Fedora", Statistics, NullLogger.Instance) { Takes = takes };
    }

    public VirtualClock Clock { get; } = new();

    public TimerQueue Timers { get; }

    public RecordedEvents Events { get; } = new();

    public GuestStatistics Statistics { get; } = new();

    public LinkHub Hub { get; }

    public List<TestViewer> Viewers { get; } = [];

    public TestViewer AddViewer(bool wantsControl = true, int credit = 2)
    {
        var viewer = new TestViewer(Timers, wantsControl, credit);
        Viewers.Add(viewer);
        Connect(viewer);
        Pump();
        return viewer;
    }

    public void Connect(TestViewer viewer)
    {
        var (a, b) = UnixSocketHandle.CreatePair(nonBlocking: true, SocketKind.Packets);
        Hub.Add(a);
        viewer.Link.Open(b);
    }

    /// <summary>Everybody handles everything that is under way.</summary>
    public void Pump()
    {
        for (var i = 0; i < 6; i++)
        {
            Timers.RunDue();
            Hub.OnReady();
            foreach (var viewer in Viewers)
                viewer.Link.OnReady();
        }
    }

    public void Pass(long ns)
    {
        Clock.Advance(ns);
        Pump();
    }

    public TestPicture Picture(int width = 32, int height = 16, bool isDmabuf = false)
    {
        var picture = new TestPicture(width, height, isDmabuf: isDmabuf);
        _pictures.Add(picture);
        return picture;
    }

    public ulong Present(TestPicture picture, int scanout = 0, BufferRect? damage = null, bool flipY = false, Action<ulong>? expect = null)
    {
        picture.Storage.Lock();
        var frame = new GuestFrame
        {
            Storage = picture.Storage,
            View = picture.View,
            Source = picture.Whole,
            Damage = DamageList.Of(damage ?? picture.Whole),
            FlipY = flipY,
            Serial = ++_serial,
            PoppedNs = Clock.NowNs,
            Awaited = true,
        };
        expect?.Invoke(frame.Serial);
        Hub.Present(scanout, in frame);
        return frame.Serial;
    }

    public void Dispose()
    {
        foreach (var viewer in Viewers)
            viewer.Dispose();
        Hub.Dispose();
        foreach (var picture in _pictures)
            picture.Dispose();
    }

    internal sealed class TestViewer : IDisposable
    {
        public TestViewer(TimerQueue timers, bool wantsControl, int credit)
        {
            Link = new LinkViewer(timers, null, new LinkViewerOptions { Name = "test", WantsControl = wantsControl, Credit = credit }, Statistics, NullLogger.Instance);
            Display = new HoldingDisplay(Link);
            Link.Display = Display;
            Link.Lost = why => Losses.Add(why);
        }

        public LinkViewer Link { get; }

        public HoldingDisplay Display { get; }

        public GuestStatistics Statistics { get; } = new();

        public List<string?> Losses { get; } = [];

        public void Dispose()
        {
            Link.Dispose();
            Display.ReleaseAll();
            foreach (var (_, cursor) in Display.Cursors)
                cursor.Image.Storage?.Unlock();
            Display.Cursors.Clear();
        }
    }
}
