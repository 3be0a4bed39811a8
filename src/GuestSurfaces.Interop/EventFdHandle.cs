// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Interop;

/// <summary>An eventfd: a counter that wakes whoever polls it.</summary>
public sealed class EventFdHandle : FdHandle, IFdHandle<EventFdHandle>
{
    private EventFdHandle(int fd)
        : base(fd)
    {
    }

    /// <inheritdoc/>
    public static EventFdHandle Adopt(int fd) => new(fd);

    /// <summary>Makes a non-blocking eventfd with counter 0. Ownership: the caller's.</summary>
    public static EventFdHandle Create() => TryCreate(out var errno) ?? throw new SyscallException("creating an eventfd", errno);

    /// <summary>Like <see cref="Create"/>, where a guest decides how many there are.</summary>
    /// <param name="errno">EMFILE, ENFILE, ENOMEM.</param>
    /// <returns>The handle (the caller's), or null.</returns>
    public static EventFdHandle? TryCreate(out Errno errno)
    {
        var fd = LibC.eventfd(0, LibC.EFD_CLOEXEC | LibC.EFD_NONBLOCK);
        errno = fd < 0 ? LibC.LastErrno : Errno.None;
        return fd < 0 ? null : new EventFdHandle(fd);
    }

    /// <summary>Adds 1 to the counter. A full counter counts as done: the reader is awake anyway.</summary>
    /// <returns><see cref="Errno.None"/>, or why the file refused (it may be anything: the peer chose it).</returns>
    public unsafe Errno Signal()
    {
        ulong one = 1;
        while (true)
        {
            // SAFETY: eight bytes of a local.
            if (LibC.write(this, &one, sizeof(ulong)) == sizeof(ulong))
                return Errno.None;
            switch (LibC.LastErrno)
            {
                case Errno.EINTR: continue;
                case Errno.EAGAIN: return Errno.None;
                case var errno: return errno;
            }
        }
    }

    /// <summary>Sets the counter as high as it goes: poll() doesn't call the file writable until it is drained. For tests that play a busy dma-buf.</summary>
    public unsafe Errno Fill()
    {
        const ulong highest = ulong.MaxValue - 1;
        var value = highest;
        // SAFETY: eight bytes of a local.
        return LibC.write(this, &value, sizeof(ulong)) == sizeof(ulong) ? Errno.None : LibC.LastErrno;
    }

    /// <summary>Reads and clears the counter.</summary>
    /// <param name="count">How often it was signalled; 0 if it wasn't.</param>
    /// <returns><see cref="Errno.None"/> also when nothing was there; an error if the file is no working eventfd.</returns>
    public unsafe Errno Drain(out ulong count)
    {
        ulong value = 0;
        while (true)
        {
            // SAFETY: eight bytes of a local.
            var n = LibC.read(this, &value, sizeof(ulong));
            count = n == sizeof(ulong) ? value : 0;
            if (n == sizeof(ulong))
                return Errno.None;
            if (n >= 0)
                return Errno.EPIPE;
            switch (LibC.LastErrno)
            {
                case Errno.EINTR: continue;
                case Errno.EAGAIN: return Errno.None;
                case var errno: return errno;
            }
        }
    }
}
