// SPDX-License-Identifier: MIT
using System.Text;

namespace GuestSurfaces.Interop;

/// <summary>What a Unix socket carries.</summary>
public enum SocketKind
{
    /// <summary>Bytes, without borders between sends.</summary>
    Stream,

    /// <summary>Packets (SOCK_SEQPACKET): each arrives whole or not at all, in order.</summary>
    Packets,
}

/// <summary>A Unix socket that carries bytes or packets, and file descriptors. Never raises SIGPIPE. Thread: one at a time.</summary>
public sealed class UnixSocketHandle : FdHandle, IFdHandle<UnixSocketHandle>
{
    /// <summary>The most descriptors that one send or receive carries (libwayland's limit; vhost-user needs 8).</summary>
    public const int MaxFds = 28;

    private const int ControlBytes = 16 + (MaxFds * sizeof(int));

    private UnixSocketHandle(int fd)
        : base(fd)
    {
    }

    /// <inheritdoc/>
    public static UnixSocketHandle Adopt(int fd) => new(fd);

    /// <summary>Takes over a descriptor number given by a parent process (<c>--fd=N</c>, WAYLAND_SOCKET). The one place where a number becomes a handle.</summary>
    /// <param name="number">The number.</param>
    /// <exception cref="SyscallException">No such descriptor is open.</exception>
    public static UnixSocketHandle FromInherited(int number)
    {
        var inherited = new UnixSocketHandle(number);
        var fd = LibC.fcntl(inherited, LibC.F_DUPFD_CLOEXEC, 3);
        var errno = LibC.LastErrno;
        inherited.Dispose();
        return fd < 0 ? throw new SyscallException($"taking over file descriptor {number}", errno) : new UnixSocketHandle(fd);
    }

    /// <summary>Makes two connected sockets, non-blocking if asked. Ownership: the caller's.</summary>
    /// <param name="nonBlocking">Whether both ends return EAGAIN instead of waiting.</param>
    /// <param name="kind">What they carry.</param>
    public static unsafe (UnixSocketHandle A, UnixSocketHandle B) CreatePair(bool nonBlocking, SocketKind kind = SocketKind.Stream)
    {
        var pair = stackalloc int[2];
        // SAFETY: two ints, as the call wants.
        return LibC.socketpair(LibC.AF_UNIX, TypeOf(kind) | LibC.SOCK_CLOEXEC | (nonBlocking ? LibC.SOCK_NONBLOCK : 0), 0, pair) < 0
            ? throw new SyscallException("creating a socket pair", LibC.LastErrno)
            : (new UnixSocketHandle(pair[0]), new UnixSocketHandle(pair[1]));
    }

    /// <summary>Connects to a listening socket.</summary>
    /// <param name="path">Its path, at most 107 bytes.</param>
    /// <param name="kind">What it carries.</param>
    /// <param name="nonBlocking">Whether the result, and the connecting itself, return EAGAIN instead of waiting: a listener's queue can be full.</param>
    /// <exception cref="SyscallException">Nobody listens there, or no permission.</exception>
    public static unsafe UnixSocketHandle Connect(string path, SocketKind kind = SocketKind.Stream, bool nonBlocking = false)
    {
        var address = Address(path);
        var socket = New(kind);
        if (nonBlocking)
            socket.SetNonBlocking();
        // SAFETY: the address is pinned for the call.
        fixed (byte* p = address)
        {
            if (LibC.connect(socket, p, (uint)address.Length) == 0)
                return socket;
        }

        var errno = LibC.LastErrno;
        socket.Dispose();
        throw new SyscallException($"connecting to {path}", errno);
    }

    /// <summary>Binds and listens, non-blocking. An existing socket file is replaced only if nobody listens behind it.</summary>
    /// <param name="path">Where; at most 107 bytes. The file is the caller's to remove.</param>
    /// <param name="kind">What connections carry.</param>
    /// <param name="mode">Who may connect (write permission); null: what the umask leaves.</param>
    /// <param name="group">Whose group's file it is, by number (<see cref="UserGroup"/>); null: this process's.</param>
    /// <exception cref="SyscallException">The path can't be bound: EEXIST if somebody listens there. Or the file can't be given to that group.</exception>
    public static unsafe UnixSocketHandle Listen(string path, SocketKind kind = SocketKind.Stream, UnixFileMode? mode = null, uint? group = null)
    {
        var address = Address(path);
        var socket = New(kind);
        socket.SetNonBlocking();
        // A new file has its socket's mode, less the umask (Linux): nobody ever sees it with more.
        if (mode is { } first && LibC.fchmod(socket, (uint)first) < 0)
            Fail(socket, path);
        // SAFETY: the address is pinned for the calls.
        fixed (byte* p = address)
        {
            var bound = LibC.bind(socket, p, (uint)address.Length) == 0;
            if (!bound && LibC.LastErrno == Errno.EADDRINUSE)
            {
                using (var probe = New(kind))
                {
                    if (LibC.connect(probe, p, (uint)address.Length) == 0)
                    {
                        socket.Dispose();
                        throw new SyscallException($"listening on {path}, where another program already listens", Errno.EEXIST);
                    }
                }

                File.Delete(path);
                bound = LibC.bind(socket, p, (uint)address.Length) == 0;
            }

            if (!bound)
                Fail(socket, path);
        }

        // Nobody can connect before listen: the group, and what the umask took from the mode, count from the first connection on.
        fixed (byte* p = address)
        {
            if (group is { } id && LibC.chown(p + sizeof(ushort), uint.MaxValue, id) < 0)
                Fail(socket, path, $", whose file can't be given to group {id}");
            if (mode is { } wanted && LibC.chmod(p + sizeof(ushort), (uint)wanted) < 0)
                Fail(socket, path);
        }

        if (LibC.listen(socket, 16) < 0)
            Fail(socket, path);
        return socket;
    }

    /// <summary>Takes the next waiting connection. Ownership: the caller's; the connection blocks until told otherwise.</summary>
    /// <param name="errno">EAGAIN when nobody waits.</param>
    public unsafe UnixSocketHandle? TryAccept(out Errno errno)
    {
        var fd = LibC.accept4(this, null, null, LibC.SOCK_CLOEXEC);
        errno = fd < 0 ? LibC.LastErrno : Errno.None;
        return fd < 0 ? null : new UnixSocketHandle(fd);
    }

    /// <summary>Sends bytes, and descriptors with the first of them. Descriptors are borrowed: the kernel makes its own copies.</summary>
    /// <param name="bytes">At least one byte if there are descriptors.</param>
    /// <param name="fds">At most <see cref="MaxFds"/>.</param>
    /// <param name="sent">How many bytes went; the descriptors went if any byte did.</param>
    /// <param name="wait">False: don't wait even on a blocking socket, as one that a peer gave us can become at any time.</param>
    /// <returns>EAGAIN if nothing fits now; EPIPE or ECONNRESET if the peer is gone.</returns>
    public unsafe Errno Send(ReadOnlySpan<byte> bytes, ReadOnlySpan<FdHandle> fds, out int sent, bool wait = true)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(fds.Length, MaxFds);
        var control = stackalloc byte[ControlBytes];
        // SAFETY: all pointers are to locals or pinned for the call; the control block holds MaxFds descriptors.
        fixed (byte* p = bytes)
        {
            var iov = new LibC.IoVec { iov_base = p, iov_len = (nuint)bytes.Length };
            var message = new LibC.MsgHdr { msg_iov = &iov, msg_iovlen = 1 };
            if (!fds.IsEmpty)
            {
                var header = (LibC.CmsgHdr*)control;
                header->cmsg_len = (nuint)(16 + (fds.Length * sizeof(int)));
                header->cmsg_level = LibC.SOL_SOCKET;
                header->cmsg_type = LibC.SCM_RIGHTS;
                for (var i = 0; i < fds.Length; i++)
                    ((int*)(control + 16))[i] = fds[i].Fd;
                message.msg_control = control;
                message.msg_controllen = (nuint)((16 + (fds.Length * sizeof(int)) + 7) & ~7);
            }

            while (true)
            {
                var n = LibC.sendmsg(this, &message, LibC.MSG_NOSIGNAL | (wait ? 0 : LibC.MSG_DONTWAIT));
                sent = (int)Math.Max(n, 0);
                if (n >= 0)
                    return Errno.None;
                if (LibC.LastErrno != Errno.EINTR)
                    return LibC.LastErrno;
            }
        }
    }

    /// <summary>Receives bytes, and the descriptors that came with them.</summary>
    /// <param name="bytes">Where to.</param>
    /// <param name="fds">Where the descriptors go: at least <see cref="MaxFds"/> places, or fewer if more must count as an error. Ownership: the caller's.</param>
    /// <param name="received">How many bytes; 0 with <see cref="Errno.None"/> means the peer closed (or sent an empty packet).</param>
    /// <param name="fdCount">How many descriptors.</param>
    /// <param name="wait">False: don't wait even on a blocking socket.</param>
    /// <returns>EAGAIN when nothing is there. EMSGSIZE when descriptors were lost, or they or a packet did not fit: all are closed, the connection is unusable.</returns>
    public unsafe Errno Receive(Span<byte> bytes, Span<ReceivedFd?> fds, out int received, out int fdCount, bool wait = true)
    {
        var control = stackalloc byte[ControlBytes + 16];
        fdCount = 0;
        // SAFETY: all pointers are to locals or pinned for the call; cmsg bounds are what the kernel wrote, clamped to our block.
        fixed (byte* p = bytes)
        {
            var iov = new LibC.IoVec { iov_base = p, iov_len = (nuint)bytes.Length };
            nint n;
            LibC.MsgHdr message;
            do
            {
                message = new LibC.MsgHdr { msg_iov = &iov, msg_iovlen = 1, msg_control = control, msg_controllen = ControlBytes };
                n = LibC.recvmsg(this, &message, LibC.MSG_CMSG_CLOEXEC | (wait ? 0 : LibC.MSG_DONTWAIT));
            }
            while (n < 0 && LibC.LastErrno == Errno.EINTR);

            received = (int)Math.Max(n, 0);
            if (n < 0)
                return LibC.LastErrno;

            var lost = (message.msg_flags & (LibC.MSG_CTRUNC | LibC.MSG_TRUNC)) != 0;
            for (var at = 0; at + 16 <= (int)message.msg_controllen;)
            {
                var header = (LibC.CmsgHdr*)(control + at);
                var length = (int)header->cmsg_len;
                if (length < 16 || at + length > (int)message.msg_controllen)
                    break;
                if (header->cmsg_level == LibC.SOL_SOCKET && header->cmsg_type == LibC.SCM_RIGHTS)
                {
                    for (var i = 0; i < (length - 16) / sizeof(int); i++)
                    {
                        var fd = ReceivedFd.Adopt(((int*)(control + at + 16))[i]);
                        if (lost || fdCount == fds.Length)
                        {
                            fd.Dispose();
                            lost = true;
                        }
                        else
                        {
                            fds[fdCount++] = fd;
                        }
                    }
                }

                at += (length + 7) & ~7;
            }

            if (!lost)
                return Errno.None;
            for (var i = 0; i < fdCount; i++)
            {
                fds[i]?.Dispose();
                fds[i] = null;
            }

            fdCount = 0;
            return Errno.EMSGSIZE;
        }
    }

    /// <summary>Whose process connected, by number. Source: unix(7), SO_PEERCRED.</summary>
    /// <exception cref="SyscallException">This is no connected socket.</exception>
    public unsafe uint PeerUserId
    {
        get
        {
            LibC.PeerCredentials peer;
            var length = (uint)sizeof(LibC.PeerCredentials);
            // SAFETY: pointers to locals, and the length is the struct's.
            return LibC.getsockopt(this, LibC.SOL_SOCKET, LibC.SO_PEERCRED, &peer, &length) < 0
                ? throw new SyscallException("asking whose process connected", LibC.LastErrno)
                : peer.uid;
        }
    }

    /// <summary>Ends the conversation in both directions; the peer sees end of file.</summary>
    public void ShutDown() => _ = LibC.shutdown(this, LibC.SHUT_RDWR); // ENOTCONN: the peer was first; there is nothing else to do

    private static int TypeOf(SocketKind kind) => kind == SocketKind.Packets ? LibC.SOCK_SEQPACKET : LibC.SOCK_STREAM;

    private static UnixSocketHandle New(SocketKind kind)
    {
        var fd = LibC.socket(LibC.AF_UNIX, TypeOf(kind) | LibC.SOCK_CLOEXEC, 0);
        return fd < 0 ? throw new SyscallException("creating a socket", LibC.LastErrno) : new UnixSocketHandle(fd);
    }

    private static byte[] Address(string path)
    {
        const int pathBytes = 108;
        var utf8 = Encoding.UTF8.GetBytes(path);
        if (utf8.Length is 0 or >= pathBytes)
            throw new SyscallException($"a socket's path has 1 to {pathBytes - 1} bytes, '{path}' has {utf8.Length}", Errno.ENAMETOOLONG);
        var address = new byte[2 + utf8.Length + 1];
        address[0] = LibC.AF_UNIX;
        utf8.CopyTo(address.AsSpan(2));
        return address;
    }

    private static void Fail(UnixSocketHandle socket, string path, string what = "")
    {
        var errno = LibC.LastErrno;
        socket.Dispose();
        throw new SyscallException($"listening on {path}{what}", errno);
    }
}
