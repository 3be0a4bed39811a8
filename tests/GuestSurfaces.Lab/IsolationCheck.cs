// SPDX-License-Identifier: MIT
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using GuestSurfaces.Cli.Isolation;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Lab;

/// <summary>
/// A process that isolates itself as a device does, and then tries what a device never does. Without isolation, as a control, each of these must work: what can't be done anyway proves
/// nothing. What the kernel has of Landlock decides what must be denied; it is asked, not this class.
/// </summary>
internal static unsafe partial class IsolationCheck
{
    private const string Written = "written.json";
    private const string Sockets = "sockets";
    private const string Secret = "secret";
    private const string Marker = DeviceIsolation.MarkerOption + "=";

    private static int s_failed;

    /// <summary>Checks everything, a line each.</summary>
    /// <param name="folder">An empty one, which plays the user's home. The process gets a folder for sockets and a file to write in it.</param>
    /// <param name="mode">"off": the control. Empty: the first step. The marker: the second.</param>
    /// <returns>The exit code; the control becomes another program instead, whose is 0.</returns>
    public static int Run(string folder, string mode)
    {
        var sockets = Path.Combine(folder, Sockets);
        var isOff = mode == "off";
        if (!mode.StartsWith(Marker, StringComparison.Ordinal))
        {
            Directory.CreateDirectory(sockets);
            File.WriteAllText(Path.Combine(folder, Secret), "secret");
        }

        var isolation = isOff ? DeviceIsolation.Off("control")
            : mode.StartsWith(Marker, StringComparison.Ordinal) ? DeviceIsolation.Confined(mode[Marker.Length..])
            : DeviceIsolation.Confine(
                new ReachableFiles().WithSocketsIn(sockets).WithWritten(Path.Combine(folder, Written)).WithDevice(UdmabufHandle.DevicePath),
                Environment.GetCommandLineArgs()[1..]);

        var landlock = isOff ? 0 : Math.Min(LandlockRuleset.GetKernelVersion(out var errno), LandlockRuleset.NewestVersion);
        var hasSeccomp = !isOff && SeccompFilter.IsAvailable(out errno);
        using var early = new Early(sockets);
        TryFiles(folder, landlock >= 1);
        TryNetwork(early, landlock);
        isolation.Seal();
        Console.WriteLine(isolation.Summary);
        Check("the summary says it", isOff == isolation.Summary.StartsWith("not isolated", StringComparison.Ordinal), isolation.Summary);
        TryCalls(folder, early, hasSeccomp);
        CheckWorks(folder, sockets, early);
        if (!isOff)
            CheckLimits();
        Console.WriteLine(s_failed == 0 ? "all is well" : $"{s_failed} checks failed");
        Console.Out.Flush();
        if (s_failed > 0)
            return 1;

        // Last of all: the control doesn't return from it.
        errno = ThisProcess.Become(["/bin/echo", "became another program"]);
        Console.WriteLine($"didn't become another program: {errno}");
        return !isOff && errno == (hasSeccomp ? Errno.EPERM : Errno.EACCES) ? 0 : 1;
    }

    private static void TryFiles(string folder, bool isDenied)
    {
        var secret = Path.Combine(folder, Secret);
        Try("reads a file in the home folder", isDenied, () => File.ReadAllText(secret));
        Try("lists the home folder", isDenied, () => Directory.GetFileSystemEntries(folder));
        Try("writes over a file in the home folder", isDenied, () => File.WriteAllText(secret, "other"));
        Try("makes a file in the home folder", isDenied, () => File.WriteAllText(Path.Combine(folder, "new"), ""));
        Try("makes a file in the folder for sockets", isDenied, () => File.WriteAllText(Path.Combine(folder, Sockets, "new"), ""));
        Try("makes a folder in the home folder", isDenied, () => Directory.CreateDirectory(Path.Combine(folder, "folder")));
        Try("makes a link in the home folder", isDenied, () => File.CreateSymbolicLink(Path.Combine(folder, "link"), "secret"));
        Try("makes a socket in the home folder", isDenied, () => UnixSocketHandle.Listen(Path.Combine(folder, "socket")).Dispose());
        Try("renames the file that it may write", isDenied, () =>
        {
            var (from, to) = (Path.Combine(folder, Written), Path.Combine(folder, "moved"));
            File.WriteAllText(from, "");
            File.Move(from, to);
            File.Move(to, from);
        });
        Try("removes a file from the home folder", isDenied, () => File.Delete(secret));
        Try("makes a file in the temporary folder", isDenied, () =>
        {
            var path = $"/tmp/isolation-{Environment.ProcessId}";
            File.WriteAllText(path, "");
            File.Delete(path);
        });
        Try("lists /etc", isDenied, () => Directory.GetFileSystemEntries("/etc"));
        Try("lists /", isDenied, () => Directory.GetFileSystemEntries("/"));
    }

    private static void TryNetwork(Early early, int landlock)
    {
        Try("binds a TCP port", landlock >= 4, () => early.Tcp.Bind(new IPEndPoint(IPAddress.Loopback, 0)));
        Try("connects by TCP", landlock >= 4, () =>
        {
            try
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Connect(IPAddress.Loopback, 9);
            }
            catch (SocketException e) when (e.SocketErrorCode != SocketError.AccessDenied)
            {
                // Nobody listens there, or the machine's loopback is off: it got as far as that.
            }
        });
        Try("signals its parent", landlock >= 6, () => Call("kill", (nuint)getppid()));
    }

    private static void TryCalls(string folder, Early early, bool isDenied)
    {
        Try("opens an IPv4 socket", isDenied, () => Call("socket", 2, 1));
        Try("opens a netlink socket", isDenied, () => Call("socket", 16, 3));
        Try("opens a Unix socket", isDenied, () => Call("socket", 1, 1));
        Try("connects to a Unix socket", isDenied, early.Connect);
        Try("listens on what it has", isDenied, () => Call("listen", (nuint)early.Tcp.Handle));
        Try("starts a program", isDenied, () =>
        {
            using var child = ChildProcess.Start(["true"], null, null);
            _ = child.WaitForExit(10_000);
        });
        Try("reads memory as another process would", isDenied, () => Call("process_vm_readv", (nuint)Environment.ProcessId));
        Try("traces a process", isDenied, () => Call("ptrace", 1, 0), gotThrough: ESRCH);
        Try("signals its parent", isDenied, () => Call("kill", (nuint)getppid()));
        Try("signals everybody", isDenied, () => Call("kill", nuint.MaxValue, 99), gotThrough: (int)Errno.EINVAL);
        Try("changes a file's mode", isDenied, () => File.SetUnixFileMode(Path.Combine(folder, Written), UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Try("leaves namespaces", isDenied, () => Call("unshare"));
        Try("looks at keyrings", isDenied, () => Call("keyctl", 0, unchecked((nuint)(-3)), 1));
        Try("sets up an io_uring", isDenied, () => Call("io_uring_setup", 1), gotThrough: EFAULT);
        Try("opens a performance counter", isDenied, () => Call("perf_event_open"), gotThrough: EFAULT);
        Try("mounts", isDenied, () => Call("mount"), gotThrough: EFAULT);
        Try("changes its personality", isDenied, () => Call("personality", 0xffffffff));
        Try("becomes its own user once more", isDenied, () => Call("setuid", getuid()));
        Try("types into its terminal", isDenied, () => Call("ioctl", 0, 0x5412), gotThrough: (int)Errno.ENOTTY);
    }

    /// <summary>What a device does after it has started.</summary>
    private static void CheckWorks(string folder, string sockets, Early early)
    {
        Check("threads", ParallelEnumerable.Range(0, 1000).WithDegreeOfParallelism(4).Sum() == 499_500, "a wrong sum");
        Check("collections", Collects(), "nothing was collected");
        using var memory = MemFdHandle.TryCreate("isolation", 1 << 20, FileSeals.None, out var errno);
        Check("memory as a file", memory is not null, errno.ToString());
        Check("it is told apart", memory?.GetKind() == FileKind.Memory, $"{memory?.GetKind()}");
        Check("the file that it may write", Does(() => File.WriteAllText(Path.Combine(folder, Written), JsonSerializer.Serialize(new[] { 1, 2 })), out var problem), problem);
        Check("a connection is let in", early.Accept(), "nobody was there");
        Check("a socket is removed", Does(() => File.Delete(Path.Combine(sockets, Early.Name)), out problem), problem);
        Check("what runs is looked up", Does(static () => File.ReadAllText("/proc/self/status"), out problem), problem);
        if (File.Exists(UdmabufHandle.DevicePath))
        {
            using var device = UdmabufHandle.TryOpen(out errno);
            using var sealedMemory = MemFdHandle.TryCreateSealed("isolation", 4096, out _);
            using var dmabuf = device?.TryCreate([new UdmabufItem(sealedMemory!, 0, 4096)], out errno);
            Check("pages become a dma-buf", dmabuf is not null, errno.ToString());
        }
    }

    private static void CheckLimits()
    {
        var status = File.ReadAllText("/proc/self/status");
        Check("no new privileges", status.Contains("NoNewPrivs:\t1", StringComparison.Ordinal), status);
        var core = File.ReadAllLines("/proc/self/limits").Single(static line => line.StartsWith("Max core file size", StringComparison.Ordinal));
        Check("no core dumps", core.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4..6] is ["0", "0"], core);
        Check("no debuggers", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0, "dumpable");
    }

    private static bool Collects()
    {
        var before = GC.CollectionCount(0);
        for (var i = 0; i < 200; i++)
            _ = new byte[1 << 20];
        GC.Collect();
        return GC.CollectionCount(0) > before;
    }

    /// <summary>Something that must be denied, or in the control must work.</summary>
    private static void Try(string what, bool isDenied, Action action, int gotThrough = 0)
    {
        var error = 0;
        try
        {
            action();
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AccessDenied)
        {
            error = EACCES;
        }
        catch (UnauthorizedAccessException)
        {
            error = EACCES;
        }
        catch (SyscallException e)
        {
            error = (int)e.Errno;
        }

        var wasDenied = error is EACCES or (int)Errno.EPERM;
        var ok = isDenied ? wasDenied : error == 0 || error == gotThrough;
        Console.WriteLine(ok ? $"ok     {what}: {(isDenied ? "denied" : "can")}" : $"FAILED {what}: errno {error}, {(isDenied ? "should be denied" : "should work")}");
        s_failed += ok ? 0 : 1;
    }

    private static void Check(string what, bool ok, string otherwise)
    {
        Console.WriteLine(ok ? $"ok     {what}" : $"FAILED {what}: {otherwise}");
        s_failed += ok ? 0 : 1;
    }

    private static bool Does(Action action, out string problem)
    {
        problem = "";
        try
        {
            action();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = e.Message;
            return false;
        }
    }

    private static void Call(string name, nuint a = 0, nuint b = 0, nuint c = 0)
    {
        // SAFETY: numbers, and null where pointers are wanted.
        if (syscall((nint)SyscallArchitecture.Current!.NumberOf(name)!.Value, a, b, c, 0, 0, 0) < 0)
            throw new SyscallException(name, (Errno)Marshal.GetLastPInvokeError());
    }

    /// <summary>What is opened before the process is sealed: a device too has its sockets by then.</summary>
    private sealed class Early : IDisposable
    {
        public const string Name = "early.sock";

        private readonly UnixSocketHandle _listener;
        private readonly UnixSocketHandle _client;
        private readonly Socket _unconnected = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly string _path;

        public Early(string sockets)
        {
            _path = Path.Combine(sockets, Name);
            _listener = UnixSocketHandle.Listen(_path, mode: UnixFileMode.UserRead | UnixFileMode.UserWrite);
            _client = UnixSocketHandle.Connect(_path);
        }

        public Socket Tcp { get; } = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        public void Connect() => _unconnected.Connect(new UnixDomainSocketEndPoint(_path));

        public bool Accept()
        {
            using var socket = _listener.TryAccept(out _);
            return socket is not null;
        }

        public void Dispose()
        {
            _unconnected.Dispose();
            Tcp.Dispose();
            _client.Dispose();
            _listener.Dispose();
        }
    }

    private const int ESRCH = 3;
    private const int EACCES = 13;
    private const int EFAULT = 14;
    private const int PR_GET_DUMPABLE = 3;

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nuint a, nuint b, nuint c, nuint d, nuint e, nuint f);

    [LibraryImport("libc")]
    private static partial int prctl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport("libc")]
    private static partial int getppid();

    [LibraryImport("libc")]
    private static partial uint getuid();
}
