// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Link.Wire;

/// <summary>
/// A packet being written: messages, and the descriptors that go with it. Whoever writes asks for room first. Writing allocates nothing.
/// </summary>
internal sealed class LinkWriter
{
    private readonly byte[] _bytes = new byte[LinkLimits.PacketBytes];
    private readonly FdHandle[] _fds = new FdHandle[LinkLimits.PacketFds];
    private int _fdCount;
    private int _start;

    /// <summary>How many bytes are written.</summary>
    public int Length { get; private set; }

    /// <summary>The packet.</summary>
    public ReadOnlySpan<byte> Packet => _bytes.AsSpan(0, Length);

    /// <summary>Its descriptors, borrowed.</summary>
    public ReadOnlySpan<FdHandle> Fds => _fds.AsSpan(0, _fdCount);

    /// <summary>Begins a new packet.</summary>
    public void Clear()
    {
        Length = 0;
        _fdCount = 0;
    }

    /// <summary>Whether so much still fits.</summary>
    /// <param name="bytes">Heads included.</param>
    /// <param name="fds">Descriptors.</param>
    public bool HasRoom(int bytes, int fds = 0) => Length + bytes <= _bytes.Length && _fdCount + fds <= _fds.Length;

    /// <summary>Begins a message.</summary>
    /// <param name="opcode">What it says.</param>
    /// <param name="id">Whom it is about.</param>
    public void Begin(LinkOpcode opcode, uint id = 0)
    {
        _start = Length;
        Put(new MessageHead(opcode, MessageHead.Bytes, id));
    }

    /// <summary>Adds to the message's body.</summary>
    /// <typeparam name="T">A blittable type whose size is a multiple of 8.</typeparam>
    /// <param name="value">The value.</param>
    public void Put<T>(in T value)
        where T : unmanaged
    {
        MemoryMarshal.Write(_bytes.AsSpan(Length), in value);
        Length += Unsafe.SizeOf<T>();
    }

    /// <summary>Adds a text to the message's body.</summary>
    /// <param name="text">Cut if it is too long.</param>
    /// <param name="maxBytes">Of UTF-8.</param>
    public void PutText(string text, int maxBytes = LinkLimits.TextBytes) => Length += LinkText.Write(_bytes.AsSpan(Length), text, maxBytes);

    /// <summary>Adds a descriptor to the packet.</summary>
    /// <param name="fd">Borrowed until the packet is sent.</param>
    public void PutFd(FdHandle fd) => _fds[_fdCount++] = fd;

    /// <summary>Ends the message: its size is known.</summary>
    public void End() => MemoryMarshal.Write(_bytes.AsSpan(_start + sizeof(ushort)), (ushort)(Length - _start));

    /// <summary>A message that is nothing but its head.</summary>
    /// <param name="opcode">What it says.</param>
    /// <param name="id">Whom it is about.</param>
    public void Write(LinkOpcode opcode, uint id = 0)
    {
        Begin(opcode, id);
        End();
    }

    /// <summary>A message of a fixed size.</summary>
    /// <typeparam name="T">Its body's type.</typeparam>
    /// <param name="opcode">What it says.</param>
    /// <param name="id">Whom it is about.</param>
    /// <param name="body">Its body.</param>
    public void Write<T>(LinkOpcode opcode, uint id, in T body)
        where T : unmanaged
    {
        Begin(opcode, id);
        Put(in body);
        End();
    }

    /// <summary>The packet has to wait: from now on it has descriptors of its own.</summary>
    /// <returns>False if this process has no descriptor left; the packet has none then.</returns>
    public bool TryKeepFds()
    {
        for (var i = 0; i < _fdCount; i++)
        {
            try
            {
                _fds[i] = _fds[i].Duplicate<FileHandle>();
            }
            catch (SyscallException)
            {
                _fdCount = i;
                DropFds();
                return false;
            }
        }

        return true;
    }

    /// <summary>The packet that had to wait is sent, or never will be.</summary>
    public void DropFds()
    {
        for (var i = 0; i < _fdCount; i++)
            _fds[i].Dispose();
        _fdCount = 0;
    }
}
