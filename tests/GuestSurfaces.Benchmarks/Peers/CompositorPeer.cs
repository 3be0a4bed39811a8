// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Wayland;

namespace GuestSurfaces.Benchmarks.Peers;

/// <summary>A compositor without a screen, in a process of its own: latches whatever is committed, at once or at a fixed rate. Killed when enough was measured.</summary>
internal static class CompositorPeer
{
    private const ulong ListenerToken = 1;
    private const ulong ClientToken = 2;

    /// <summary>The command line of this role.</summary>
    /// <param name="path">Where it listens.</param>
    /// <param name="hz">Refreshes a second; 0: as soon as something was committed.</param>
    public static string[] Command(string path, int hz) => ["dotnet", Measuring.Places.Self, "compositor", path, hz.ToString(CultureInfo.InvariantCulture)];

    public static int Run(string[] arguments)
    {
        var hz = int.Parse(arguments[1], CultureInfo.InvariantCulture);
        using var compositor = new LenientCompositor();
        using var listener = UnixSocketHandle.Listen(arguments[0]);
        using var epoll = EpollHandle.Create();
        epoll.Add(listener, EpollEvents.In, ListenerToken);
        var dueNs = hz > 0 ? KernelClock.NowNs() : long.MaxValue;
        Span<EpollResult> results = stackalloc EpollResult[32];
        while (true)
        {
            var n = epoll.WaitUntil(results, dueNs);
            for (var i = 0; i < n; i++)
            {
                if (results[i].Token == ListenerToken && listener.TryAccept(out _) is { } socket)
                    epoll.Add(compositor.Server.AddClient(socket).Fd, EpollEvents.In, ClientToken);
            }

            compositor.Server.Dispatch();
            var isRefresh = hz == 0 || KernelClock.NowNs() >= dueNs;
            if (isRefresh)
                compositor.LatchAll();
            if (isRefresh && hz > 0)
                dueNs = KernelClock.NowNs() + (1_000_000_000 / hz);
            compositor.Server.Flush();
        }
    }
}
