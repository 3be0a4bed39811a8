// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Cli.Hosting;

/// <summary>Ends a loop when a file is ready: another process has ended.</summary>
internal sealed class StopLoop(EventLoop loop) : IFdHandler
{
    /// <inheritdoc/>
    public void OnReady(EpollEvents events) => loop.Stop();
}
