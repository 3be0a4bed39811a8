// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using GuestSurfaces.Testing;
using Xunit;

namespace GuestSurfaces.Tests.Native;

[Collection(Alone.Name)]
public sealed class UnixSocketTests
{
    [Fact]
    public void Bytes_and_descriptors_arrive_together()
    {
        var (a, b) = UnixSocketHandle.CreatePair(nonBlocking: true);
        using (a)
        using (b)
        {
            using var memFd = MemFdHandle.TryCreateSealed("test", 4096, out _)!;
            using var eventFd = EventFdHandle.Create();
            Assert.Equal(Errno.None, a.Send("hello"u8, [memFd, eventFd], out var sent));
            Assert.Equal(5, sent);
            var fds = new ReceivedFd?[UnixSocketHandle.MaxFds];
            var bytes = new byte[16];
            Assert.Equal(Errno.None, b.Receive(bytes, fds, out var received, out var count));
            Assert.Equal((5, 2), (received, count));
            using var arrived = fds[0]!.Take<MemFdHandle>();
            fds[1]!.Dispose();
            Assert.Equal(memFd.GetIdentity(), arrived.GetIdentity());
            Assert.Equal(Errno.EAGAIN, b.Receive(bytes, fds, out _, out _));
        }
    }

    [Fact]
    public void Descriptors_that_do_not_fit_are_closed_and_the_stream_is_refused()
    {
        var (a, b) = UnixSocketHandle.CreatePair(nonBlocking: true);
        using (a)
        using (b)
        {
            using var eventFd = EventFdHandle.Create();
            using var leaks = new FdLeakCheck();
            Assert.Equal(Errno.None, a.Send("x"u8, [eventFd, eventFd, eventFd], out _));
            Assert.Equal(Errno.EMSGSIZE, b.Receive(new byte[1], new ReceivedFd?[2], out _, out var count));
            Assert.Equal(0, count);
        }
    }

    [Fact]
    public unsafe void Descriptors_that_the_kernel_had_to_cut_off_leave_none_open()
    {
        const int many = 200;
        var (a, b) = UnixSocketHandle.CreatePair(nonBlocking: true);
        using (a)
        using (b)
        using (var eventFd = EventFdHandle.Create())
        using (var leaks = new FdLeakCheck())
        {
            // By hand: our own Send refuses so many.
            var control = stackalloc byte[16 + (many * sizeof(int))];
            var header = (LibC.CmsgHdr*)control;
            *header = new LibC.CmsgHdr { cmsg_len = 16 + (many * sizeof(int)), cmsg_level = LibC.SOL_SOCKET, cmsg_type = LibC.SCM_RIGHTS };
            new Span<int>(control + 16, many).Fill((int)eventFd.DangerousGetHandle());
            byte one = 1;
            var iov = new LibC.IoVec { iov_base = &one, iov_len = 1 };
            var message = new LibC.MsgHdr { msg_iov = &iov, msg_iovlen = 1, msg_control = control, msg_controllen = 16 + (many * sizeof(int)) };
            Assert.Equal(1, LibC.sendmsg(a, &message, LibC.MSG_NOSIGNAL));

            Assert.Equal(Errno.EMSGSIZE, b.Receive(new byte[1], new ReceivedFd?[UnixSocketHandle.MaxFds], out _, out var count));
            Assert.Equal(0, count);
            Assert.Equal(0, leaks.Difference("anon_inode:[eventfd]"));
        }
    }

    [Fact]
    public void Packets_arrive_whole_and_one_that_does_not_fit_is_refused_with_its_descriptors()
    {
        var (a, b) = UnixSocketHandle.CreatePair(nonBlocking: true, SocketKind.Packets);
        using (a)
        using (b)
        using (var eventFd = EventFdHandle.Create())
        {
            var bytes = new byte[8];
            a.Send("one"u8, [], out _);
            a.Send("second"u8, [], out _);
            Assert.Equal(Errno.None, b.Receive(bytes, [], out var received, out _));
            Assert.Equal(3, received);
            Assert.Equal(Errno.None, b.Receive(bytes, [], out received, out _));
            Assert.Equal(6, received);
            using var leaks = new FdLeakCheck();
            a.Send("much too long"u8, [eventFd], out _);
            Assert.Equal(Errno.EMSGSIZE, b.Receive(bytes, new ReceivedFd?[2], out _, out var fds));
            Assert.Equal(0, fds);
        }
    }

    [Fact]
    public void A_descriptor_s_kind_is_the_kernel_s_word()
    {
        using var memFd = MemFdHandle.TryCreateSealed("/dmabuf:", 4096, out _)!;
        using var readOnly = MemFdHandle.TryCreate("test", 4096, FileSeals.FutureWrite, out _)!;
        using var eventFd = EventFdHandle.Create();
        Assert.Equal((FileKind.Memory, FileKind.Other), (memFd.GetKind(), eventFd.GetKind()));
        Assert.Equal((true, false), (memFd.IsWritable(), readOnly.IsWritable()));
        using var asDmabuf = memFd.Duplicate<DmabufHandle>();
        Assert.Equal(4096ul, asDmabuf.GetLengthBytes());
    }

    [Fact]
    public void A_peer_that_left_is_an_error_value_not_a_signal()
    {
        var (a, b) = UnixSocketHandle.CreatePair(nonBlocking: true);
        b.Dispose();
        using (a)
        {
            Assert.Equal(Errno.EPIPE, a.Send("x"u8, [], out _));
            Assert.Equal(Errno.None, a.Receive(new byte[1], [], out var received, out _));
            Assert.Equal(0, received);
        }
    }

    [Fact]
    public void A_dead_socket_file_is_replaced_and_a_live_one_is_not()
    {
        var folder = Directory.CreateTempSubdirectory("gs-test");
        var path = Path.Combine(folder.FullName, "s");
        try
        {
            UnixSocketHandle.Listen(path).Dispose();
            using var live = UnixSocketHandle.Listen(path);
            var error = Assert.Throws<SyscallException>(() => UnixSocketHandle.Listen(path));
            Assert.Equal(Errno.EEXIST, error.Errno);
            using var client = UnixSocketHandle.Connect(path);

            // The refused listener's probe was the first in the queue.
            using var probe = live.TryAccept(out _);
            using var server = live.TryAccept(out var errno);
            Assert.Equal(Errno.None, errno);
            Assert.Null(live.TryAccept(out errno));
            Assert.Equal(Errno.EAGAIN, errno);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_listening_socket_is_never_seen_with_more_rights_than_it_was_asked_for()
    {
        const UnixFileMode wanted = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var folder = Directory.CreateTempSubdirectory("gs-test");
        var path = Path.Combine(folder.FullName, "s");
        var seen = (UnixFileMode)0;
        var isOver = false;
        var looker = new Thread(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                try
                {
                    seen |= File.GetUnixFileMode(path);
                }
                catch (FileNotFoundException)
                {
                    // Between two of them.
                }
            }
        });
        try
        {
            looker.Start();
            for (var round = 0; round < 2000 || (seen == 0 && round < 1_000_000); round++)
            {
                UnixSocketHandle.Listen(path, mode: wanted).Dispose();
                File.Delete(path);
            }
        }
        finally
        {
            Volatile.Write(ref isOver, true);
            looker.Join();
            folder.Delete(recursive: true);
        }

        Assert.Equal(wanted, seen);
    }

    [Fact]
    public void A_send_that_does_not_wait_returns_even_on_a_blocking_socket()
    {
        var (a, b) = UnixSocketHandle.CreatePair(nonBlocking: false);
        var chunk = new byte[4096];
        Errno errno;
        do
            errno = a.Send(chunk, [], out _, wait: false);
        while (errno == Errno.None);
        Assert.Equal(Errno.EAGAIN, errno);
        a.Dispose();
        b.Dispose();
    }
}
