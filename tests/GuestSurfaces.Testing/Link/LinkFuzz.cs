// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using GuestSurfaces.Link;
using GuestSurfaces.Testing.Presentation;
using Microsoft.Extensions.Logging.Abstractions;

namespace GuestSurfaces.Testing.Link;

/// <summary>
/// Fuzz targets: packets as a hostile peer might send them, to a source and to a viewer, over real sockets. Whatever comes, nothing throws, every frame is answered
/// once, every lock comes back and every storage closes.
/// <para>
/// An input is packets one after the other, each led by four bytes: how many descriptors come with it (low 3 bits) and of which kind (next 2: memfd, short memfd, unsealed memfd,
/// eventfd), one that isn't used, and its length (u16).
/// </para>
/// </summary>
public static class LinkFuzz
{
    private const int LeadBytes = 4;
    private const InputKinds AllKinds = InputKinds.Keyboard | InputKinds.Pointer | InputKinds.Mouse | InputKinds.Touch | InputKinds.Tablet;

    /// <summary>Bytes to a source: must return for any input.</summary>
    /// <param name="data">Packets.</param>
    public static void RunSource(ReadOnlySpan<byte> data)
    {
        var clock = new VirtualClock();
        var timers = new TimerQueue(clock);
        var events = new AnswerBook();
        TestPicture[] pictures = [new(8, 4), new(8, 4), new(8, 4)];
        var (theirs, ours) = UnixSocketHandle.CreatePair(nonBlocking: true, SocketKind.Packets);
        ulong serial = 0;
        using (var hub = new LinkHub(timers, null, events, "fuzz", new GuestStatistics(), NullLogger.Instance) { Takes = AllKinds })
        using (ours)
        {
            hub.Add(theirs);
            while (TrySend(ref data, ours))
            {
                hub.OnReady();
                var picture = pictures[serial % 3];
                picture.Storage.Lock();
                var frame = new GuestFrame { Storage = picture.Storage, View = picture.View, Source = picture.Whole, Damage = DamageList.Of(picture.Whole), Serial = ++serial };
                events.Expect((int)(serial & 1), serial);
                hub.Present((int)(serial & 1), in frame);
                timers.RunDue();
            }

            while (hub.ViewerCount > 0)
            {
                ours.ShutDown();
                hub.OnReady();
            }

            clock.Advance(1_000_000_000);
            timers.RunDue();
            hub.Disable(0);
            hub.Disable(1);
            Require(events.Waiting == 0, "every frame is answered");
        }

        foreach (var picture in pictures)
        {
            Require(picture.Storage.LockCount == 0, "every lock comes back");
            picture.Dispose();
        }
    }

    /// <summary>Bytes to a viewer: must return for any input.</summary>
    /// <param name="data">Packets.</param>
    public static void RunViewer(ReadOnlySpan<byte> data)
    {
        var clock = new VirtualClock();
        var timers = new TimerQueue(clock);
        var (theirs, ours) = UnixSocketHandle.CreatePair(nonBlocking: true, SocketKind.Packets);
        using var viewer = new LinkViewer(timers, null, new LinkViewerOptions(), new GuestStatistics(), NullLogger.Instance);
        var display = new Reader(viewer);
        viewer.Display = display;
        using (ours)
        {
            viewer.Open(theirs);
            while (TrySend(ref data, ours))
            {
                viewer.OnReady();
                timers.RunDue();
            }
        }

        viewer.Dispose();
        display.LetGo();
        Require(display.Seen.TrueForAll(static storage => storage.IsClosed), "every storage closes");
    }

    private static bool TrySend(ref ReadOnlySpan<byte> data, UnixSocketHandle socket)
    {
        if (data.Length < LeadBytes)
            return false;
        var lead = data[0];
        var length = Math.Min(data[2] | (data[3] << 8), data.Length - LeadBytes);
        var packet = data.Slice(LeadBytes, length);
        data = data[(LeadBytes + length)..];
        var fds = new FdHandle[lead & 7];
        for (var i = 0; i < fds.Length; i++)
        {
            fds[i] = ((lead >> 3) & 3) switch
            {
                0 => MemFdHandle.TryCreateSealed("fuzz", 4096, out _)!,
                1 => MemFdHandle.TryCreateSealed("fuzz", 16, out _)!,
                2 => MemFdHandle.TryCreate("fuzz", 4096, FileSeals.None, out _)!,
                _ => EventFdHandle.Create(),
            };
        }

        var errno = packet.IsEmpty ? Errno.None : socket.Send(packet, fds, out _);
        foreach (var fd in fds)
            fd.Dispose();
        return errno is Errno.None or Errno.EAGAIN;
    }

    private static void Require(bool isTrue, string what)
    {
        if (!isTrue)
            throw new InvalidOperationException($"broken: {what}");
    }

    /// <summary>A display that looks at what it gets, latches it, and keeps the newest.</summary>
    private sealed class Reader(IDisplayEvents events) : IGuestDisplay
    {
        private readonly BufferStorage?[] _shown = new BufferStorage?[LinkLimits.Surfaces];
        private readonly BufferStorage?[] _cursors = new BufferStorage?[LinkLimits.Surfaces];

        public List<BufferStorage> Seen { get; } = [];

        public void Present(int scanout, in GuestFrame frame)
        {
            Seen.Add(frame.Storage);
            frame.Acquire.Fence?.Dispose();
            Require(frame.View.Size.Whole.Contains(frame.Source), "a crop is inside its view");
            Require(frame.View.Size.Whole.Contains(frame.Damage.Bounds), "damage is inside its view");
            if (frame.Storage.Pixels is { } pixels)
            {
                var plane = frame.View.Plane(0);
                Require(
                    pixels.TryRead(plane.OffsetBytes + ((ulong)plane.StrideBytes * (ulong)(frame.View.Size.Height - 1)) + (((ulong)frame.View.Size.Width - 1) * 4), out uint _),
                    "a view's last pixel can be read");
            }

            events.Committed(scanout, frame.Serial);
            if ((frame.Serial & 1) == 0)
                events.Latched(scanout, frame.Serial, 1);
            else
                events.Superseded(scanout, frame.Serial);
            if (frame.Serial % 5 == 0)
                events.BufferRefused(scanout, frame.Storage, "fuzz");
            _shown[scanout]?.Unlock();
            _shown[scanout] = frame.Storage;
        }

        public void Disable(int scanout)
        {
            _shown[scanout]?.Unlock();
            _shown[scanout] = null;
        }

        public void Blank(int scanout) => Disable(scanout);

        public void SetCursor(int scanout, in CursorImage image, int x, int y)
        {
            if (image.Storage is { } storage)
            {
                Seen.Add(storage);
                Require(storage.Pixels!.LengthBytes >= (ulong)image.Size.Width * (ulong)image.Size.Height * 4, "a cursor is inside its storage");
            }

            _cursors[scanout]?.Unlock();
            _cursors[scanout] = image.Storage;
        }

        public void MoveCursor(int scanout, int x, int y)
        {
        }

        public void LetGo()
        {
            for (var i = 0; i < _shown.Length; i++)
            {
                Disable(i);
                SetCursor(i, default, 0, 0);
            }
        }
    }
}
