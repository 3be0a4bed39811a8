// SPDX-License-Identifier: MIT
using GuestSurfaces.Benchmarks.Measuring;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Interop;
using GuestSurfaces.Virtio.Gpu;

namespace GuestSurfaces.Benchmarks.Peers;

/// <summary>The bridge in a process of its own, as <c>guest-surfaces attach</c> wires it: device, session and presenter on one loop. Ends with the socket that it inherits.</summary>
internal static class BridgePeer
{
    /// <summary>The command line of this role.</summary>
    /// <param name="folder">Where it listens for its guest: "0".</param>
    /// <param name="display">The compositor's socket.</param>
    public static string[] Command(string folder, string display) => ["dotnet", Places.Self, "bridge", folder, display];

    public static int Run(string[] arguments)
    {
        using var end = UnixSocketHandle.FromInherited(ChildProcess.InheritedFdNumber);
        using var host = new BackendHost(arguments[0], guests: 1, heads: 1, arguments[1], new RamAsDmabufs());
        host.RunUntil(end);
        return 0;
    }

    /// <summary>The guest's whole RAM passes for one dma-buf, where there is no /dev/udmabuf: whoever only looks at numbers doesn't see the difference. One region, one run a picture.</summary>
    private sealed class RamAsDmabufs : IGuestBufferExporter
    {
        public BufferStorage? TryExport(GuestMemory memory, BackingList backing, ulong sizeBytes, out RungReport decline)
        {
            decline = new RungReport(Rung.Direct, "");
            return BufferStorage.FromDmabufs([memory.Regions[0].Bytes.File.Duplicate<DmabufHandle>()], producer: null);
        }
    }
}
