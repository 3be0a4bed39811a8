// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GuestSurfaces.Transports.VhostUser;

/// <summary>The one answer that a message may get, as bytes. Reused; allocates nothing.</summary>
internal sealed class Reply
{
    private readonly byte[] _bytes = new byte[Wire.HeaderBytes + Unsafe.SizeOf<ConfigHeader>() + Wire.MaxConfigBytes];

    /// <summary>The answer; empty if there is none.</summary>
    internal ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    /// <summary>Its length.</summary>
    internal int Length { get; private set; }

    /// <summary>Takes the answer back.</summary>
    internal void Clear() => Length = 0;

    /// <summary>Answers with a value.</summary>
    internal void Write<T>(FrontendRequest request, T value)
        where T : unmanaged
    {
        MemoryMarshal.Write(_bytes.AsSpan(Wire.HeaderBytes), in value);
        Finish(request, Unsafe.SizeOf<T>());
    }

    /// <summary>Answers with nothing in it: GET_CONFIG's way to say no.</summary>
    internal void WriteEmpty(FrontendRequest request) => Finish(request, 0);

    /// <summary>Answers GET_CONFIG.</summary>
    /// <returns>Where the bytes go: as many as the header says, all 0.</returns>
    internal Span<byte> WriteConfig(in ConfigHeader header)
    {
        var bytes = _bytes.AsSpan(Wire.HeaderBytes + Unsafe.SizeOf<ConfigHeader>(), (int)header.Size);
        bytes.Clear();
        MemoryMarshal.Write(_bytes.AsSpan(Wire.HeaderBytes), in header);
        Finish(FrontendRequest.GetConfig, Unsafe.SizeOf<ConfigHeader>() + bytes.Length);
        return bytes;
    }

    private void Finish(FrontendRequest request, int payloadBytes)
    {
        MemoryMarshal.Write(_bytes, new MessageHeader((uint)request, HeaderFlags.Version | HeaderFlags.Reply, (uint)payloadBytes));
        Length = Wire.HeaderBytes + payloadBytes;
    }
}
