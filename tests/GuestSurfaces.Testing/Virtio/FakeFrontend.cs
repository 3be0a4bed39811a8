// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Testing.Virtio;

/// <summary>A memory region on the wire.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct FakeRegion(ulong Guest, ulong Size, ulong Frontend, ulong Offset);

/// <summary>
/// A VMM played by a test, on the other end of a socket pair and on the same thread: it writes messages (numbers and layouts are its own, not the library's),
/// lets the back-end run, and reads what came back.
/// </summary>
public sealed class FakeFrontend(UnixSocketHandle socket, Action pump) : IDisposable
{
    public const uint Version = 1;
    public const uint NeedReply = 8;
    private readonly byte[] _received = new byte[8192];
    private int _have;

    public UnixSocketHandle Socket { get; } = socket;

    /// <summary>Whether the back-end has closed the connection.</summary>
    public bool IsClosed
    {
        get
        {
            Fill();
            return _closed;
        }
    }

    private bool _closed;

    public void Pump() => pump();

    /// <summary>Sends any bytes.</summary>
    public void SendRaw(ReadOnlySpan<byte> bytes, params ReadOnlySpan<FdHandle> fds)
    {
        while (!bytes.IsEmpty)
        {
            var errno = Socket.Send(bytes, fds, out var sent);
            if (errno is Errno.EPIPE or Errno.ECONNRESET)
                break;
            if (errno != Errno.None)
                throw new SyscallException("sending to the back-end", errno);
            bytes = bytes[sent..];
            fds = [];
        }

        pump();
    }

    /// <summary>Sends a message.</summary>
    public void Send(uint request, ReadOnlySpan<byte> payload, uint flags = Version, params ReadOnlySpan<FdHandle> fds) => SendRaw(Message(request, payload, flags), fds);

    /// <summary>A message as bytes.</summary>
    public static byte[] Message(uint request, ReadOnlySpan<byte> payload, uint flags = Version)
    {
        var bytes = new byte[12 + payload.Length];
        MemoryMarshal.Write(bytes, request);
        MemoryMarshal.Write(bytes.AsSpan(4), flags);
        MemoryMarshal.Write(bytes.AsSpan(8), (uint)payload.Length);
        payload.CopyTo(bytes.AsSpan(12));
        return bytes;
    }

    /// <summary>The payload of the next answer, or null if there is none.</summary>
    public byte[]? TryReceive(uint request)
    {
        Fill();
        if (_have < 12)
            return null;
        var size = (int)MemoryMarshal.Read<uint>(_received.AsSpan(8));
        if (MemoryMarshal.Read<uint>(_received) != request || MemoryMarshal.Read<uint>(_received.AsSpan(4)) != 5)
            throw new InvalidOperationException($"an answer to {MemoryMarshal.Read<uint>(_received)} came instead of one to {request}");
        var payload = _received.AsSpan(12, size).ToArray();
        _received.AsSpan(12 + size, _have - 12 - size).CopyTo(_received);
        _have -= 12 + size;
        return payload;
    }

    /// <summary>Asks for a number.</summary>
    public ulong Ask(uint request)
    {
        Send(request, []);
        return BinaryPrimitives.ReadUInt64LittleEndian(TryReceive(request) ?? throw new InvalidOperationException($"no answer to {request}"));
    }

    /// <summary>Sends a message that wants an acknowledgement: 0 is yes.</summary>
    public ulong Acknowledged(uint request, ReadOnlySpan<byte> payload, params ReadOnlySpan<FdHandle> fds)
    {
        Send(request, payload, Version | NeedReply, fds);
        return BinaryPrimitives.ReadUInt64LittleEndian(TryReceive(request) ?? throw new InvalidOperationException($"no acknowledgement of {request}"));
    }

    public static byte[] U64(params ReadOnlySpan<ulong> values) => MemoryMarshal.AsBytes(values).ToArray();

    public static byte[] U32(params ReadOnlySpan<uint> values) => MemoryMarshal.AsBytes(values).ToArray();

    /// <summary>SET_MEM_TABLE's payload.</summary>
    public static byte[] Table(params ReadOnlySpan<FakeRegion> regions) => [.. U64((uint)regions.Length), .. MemoryMarshal.AsBytes(regions)];

    /// <summary>SET_VRING_ADDR's payload.</summary>
    public static byte[] Addresses(uint index, ulong descriptors, ulong available, ulong used) => [.. U32(index, 0), .. U64(descriptors, used, available, 0)];

    /// <summary>GET_CONFIG's and SET_CONFIG's payload.</summary>
    public static byte[] Config(uint offset, uint flags, ReadOnlySpan<byte> bytes) => [.. U32(offset, (uint)bytes.Length, flags), .. bytes];

    public void Dispose() => Socket.Dispose();

    private void Fill()
    {
        while (true)
        {
            var errno = Socket.Receive(_received.AsSpan(_have), [], out var n, out _, wait: false);
            if (errno == Errno.EAGAIN)
                return;
            if (errno != Errno.None || n == 0)
            {
                _closed = true;
                return;
            }

            _have += n;
        }
    }
}
