// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Benchmarks.Peers;

/// <summary>Sockets of processes that were only just started.</summary>
internal static class Sockets
{
    /// <summary>Waits until somebody listens.</summary>
    public static void Await(string path) => BackendLauncher.ConnectPatiently(path, 20_000, ms =>
    {
        Thread.Sleep(ms);
        return false;
    }).Dispose();
}
