// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Plugin.Control;

/// <summary>Asks a desktop's host. Thread: any; it waits for the answer.</summary>
public static class ControlClient
{
    internal const int MaxBytes = 32 << 10;

    private const int PatienceMs = 10_000;

    /// <summary>The socket's name in $XDG_RUNTIME_DIR/guest-surfaces.</summary>
    public const string FileName = "plugin.control";

    /// <summary>Asks.</summary>
    /// <param name="path">The host's socket.</param>
    /// <param name="request">What.</param>
    /// <param name="patienceMs">How long to wait for the answer.</param>
    /// <exception cref="SyscallException">Nobody listens there, or it has ended meanwhile.</exception>
    /// <exception cref="TimeoutException">It hasn't answered.</exception>
    public static ControlReply Ask(string path, ControlRequest request, int patienceMs = PatienceMs)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var socket = UnixSocketHandle.Connect(path, SocketKind.Packets);
        var errno = socket.Send(request.ToJson(), [], out _);
        var packet = new byte[MaxBytes];
        var length = 0;
        if (errno == Errno.None && !socket.WaitReadable(patienceMs))
            throw new TimeoutException($"the desktop at {path} was asked {patienceMs} ms ago, and hasn't answered");
        if (errno == Errno.None)
            errno = socket.Receive(packet, [], out length, out _);
        if (errno != Errno.None)
            throw new SyscallException($"asking the desktop at {path}", errno);
        return ControlReply.TryParse(packet.AsSpan(0, length)) ?? throw new SyscallException($"asking the desktop at {path}, which gave no answer", Errno.EPROTO);
    }
}
