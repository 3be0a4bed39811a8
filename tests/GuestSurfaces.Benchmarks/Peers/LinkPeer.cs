// SPDX-License-Identifier: MIT
using GuestSurfaces.Benchmarks.Measuring;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using GuestSurfaces.Link;
using Microsoft.Extensions.Logging.Abstractions;

namespace GuestSurfaces.Benchmarks.Peers;

/// <summary>The other process of the link's measurement: a viewer whose screen is always ready, or the least that could answer.</summary>
internal static class LinkPeer
{
    /// <summary>The command line of this role; its socket is inherited.</summary>
    /// <param name="role">"viewer", or "bare" for a socket read and an eventfd written.</param>
    public static string[] Command(string role) => ["dotnet", Places.Self, "link-peer", role];

    public static int Run(string[] arguments)
    {
        var socket = UnixSocketHandle.FromInherited(ChildProcess.InheritedFdNumber);
        return arguments[0] == "bare" ? Bare(socket) : Viewer(socket);
    }

    private static int Viewer(UnixSocketHandle socket)
    {
        using var loop = new EventLoop();
        using var viewer = new LinkViewer(loop, new LinkViewerOptions(), new GuestStatistics(), NullLogger.Instance) { Lost = _ => loop.Stop() };
        viewer.Display = new ReadyDisplay(viewer);
        viewer.Open(socket);
        loop.Run();
        return 0;
    }

    /// <summary>The eventfd comes with the first packet.</summary>
    private static int Bare(UnixSocketHandle socket)
    {
        using var connection = socket;
        using var epoll = EpollHandle.Create();
        socket.SetNonBlocking();
        epoll.Add(socket, EpollEvents.In, 0);
        Span<EpollResult> results = stackalloc EpollResult[1];
        var bytes = new byte[1024];
        var fds = new ReceivedFd?[UnixSocketHandle.MaxFds];
        EventFdHandle? answer = null;
        while (true)
        {
            epoll.Wait(results, -1);
            if (socket.Receive(bytes, fds, out var received, out var count) != Errno.None || received == 0)
                return 0;
            if (count > 0)
                answer = fds[0]!.Take<EventFdHandle>();
            answer!.Signal();
        }
    }

    /// <summary>Latches at once and lets go of the picture before: the work of a screen isn't the link's.</summary>
    private sealed class ReadyDisplay(IDisplayEvents events) : IGuestDisplay
    {
        private BufferStorage? _shown;

        public void Present(int scanout, in GuestFrame frame)
        {
            events.Committed(scanout, frame.Serial);
            events.Latched(scanout, frame.Serial, KernelClock.NowNs());
            _shown?.Unlock();
            _shown = frame.Storage;
        }

        public void Disable(int scanout)
        {
        }

        public void Blank(int scanout)
        {
        }

        public void SetCursor(int scanout, in CursorImage image, int x, int y) => image.Storage?.Unlock();

        public void MoveCursor(int scanout, int x, int y)
        {
        }
    }
}
