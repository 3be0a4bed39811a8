// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using GuestSurfaces.Virtio.Queues;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// One request, copied out of guest RAM: each byte was fetched once, so what was checked is what is used.
/// A page list that follows the struct is fetched by <see cref="BackingList"/>.
/// </summary>
internal struct GpuCommand
{
    private RequestBytes _bytes;

    /// <summary>The header; all zero if the request was shorter than one.</summary>
    public readonly GpuHeader Header => MemoryMarshal.Read<GpuHeader>(_bytes);

    /// <summary>Any number; see <see cref="RequestSize"/>.</summary>
    public readonly VirtioGpuCommandType Type => (VirtioGpuCommandType)Header.Type;

    /// <summary>Fetches a request: the header, then as much of the rest as its type has.</summary>
    /// <param name="chain">As popped.</param>
    /// <param name="command">The copy; its header is right in every case, for the reply.</param>
    /// <returns>OkNoData, or what to answer instead of executing it.</returns>
    public static VirtioGpuResponse Fetch(DescriptorChain chain, out GpuCommand command)
    {
        command = default;
        Span<byte> bytes = command._bytes;
        if (!chain.TryRead(0, bytes[..GpuHeader.Bytes]))
        {
            bytes.Clear();
            return VirtioGpuResponse.Unspecified;
        }

        var header = command.Header;
        var size = RequestSize((VirtioGpuCommandType)header.Type);
        if (size == 0)
            return VirtioGpuResponse.Unspecified;
        if ((header.Flags & GpuFlags.InfoRingIndex) != 0 && header.RingIndex >= MaxRings)
            return VirtioGpuResponse.InvalidParameter;
        return chain.TryRead(GpuHeader.Bytes, bytes[GpuHeader.Bytes..size]) ? VirtioGpuResponse.OkNoData : VirtioGpuResponse.InvalidParameter;
    }

    /// <summary>The bytes after the header.</summary>
    /// <typeparam name="T">The struct of this type of command.</typeparam>
    public readonly T Body<T>()
        where T : unmanaged => MemoryMarshal.Read<T>(_bytes[GpuHeader.Bytes..]);

    /// <summary>Length of a command's struct, header included; 0 if it isn't a command of a 2D device.</summary>
    public static int RequestSize(VirtioGpuCommandType type) => type switch
    {
        VirtioGpuCommandType.GetDisplayInfo => GpuHeader.Bytes,
        VirtioGpuCommandType.ResourceCreate2D => 40,
        VirtioGpuCommandType.ResourceUnref or VirtioGpuCommandType.ResourceDetachBacking or VirtioGpuCommandType.ResourceAttachBacking => 32,
        VirtioGpuCommandType.GetCapsetInfo or VirtioGpuCommandType.GetCapset or VirtioGpuCommandType.GetEdid or VirtioGpuCommandType.ResourceAssignUuid => 32,
        VirtioGpuCommandType.SetScanout or VirtioGpuCommandType.ResourceFlush => 48,
        VirtioGpuCommandType.TransferToHost2D or VirtioGpuCommandType.ResourceCreateBlob => 56,
        VirtioGpuCommandType.SetScanoutBlob => 96,
        VirtioGpuCommandType.UpdateCursor or VirtioGpuCommandType.MoveCursor => 56,
        _ => 0,
    };

    /// <summary>ring_idx is 0 to 63. Source: virtio 1.3 §5.7.6.7.</summary>
    private const int MaxRings = 64;

    /// <summary>As long as the longest command, SET_SCANOUT_BLOB.</summary>
    [InlineArray(96)]
    private struct RequestBytes
    {
        private byte _byte0;
    }
}
