// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Virtio.Queues;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>The answer to one command: a header, and room for the longest payload. Reused from command to command.</summary>
internal sealed class GpuReply
{
    /// <summary>sizeof(virtio_gpu_resp_edid), the longest.</summary>
    private readonly byte[] _bytes = new byte[1056];
    private int _payloadBytes;

    /// <summary>Empties it and gives a payload of zeroes to fill in.</summary>
    /// <param name="length">In bytes; 0 for a bare header.</param>
    public Span<byte> Payload(int length)
    {
        _payloadBytes = length;
        var payload = _bytes.AsSpan(GpuHeader.Bytes, length);
        payload.Clear();
        return payload;
    }

    /// <summary>
    /// Writes the answer into the chain, as much of it as fits. A fence goes back as it came: the driver's bookkeeping depends on flags, fence_id, ctx_id
    /// and ring_idx; without a fence they are all 0. An error has no payload. Source: virtio 1.3 §5.7.6.7.
    /// </summary>
    /// <param name="chain">The request's.</param>
    /// <param name="response">The result.</param>
    /// <param name="request">The request's header.</param>
    /// <returns>How many bytes were written; 0 for Linux's cursor commands, which leave no room.</returns>
    public uint WriteTo(DescriptorChain chain, VirtioGpuResponse response, in GpuHeader request)
    {
        var header = new GpuHeader { Type = (uint)response };
        if (request.IsFenced)
        {
            header.Flags = request.Flags & (GpuFlags.Fence | GpuFlags.InfoRingIndex);
            header.FenceId = request.FenceId;
            header.ContextId = request.ContextId;
            if ((request.Flags & GpuFlags.InfoRingIndex) != 0)
                header.RingIndex = request.RingIndex;
        }

        MemoryMarshal.Write(_bytes, in header);
        return chain.Write(0, _bytes.AsSpan(0, GpuHeader.Bytes + (response >= VirtioGpuResponse.Unspecified ? 0 : _payloadBytes)));
    }
}
