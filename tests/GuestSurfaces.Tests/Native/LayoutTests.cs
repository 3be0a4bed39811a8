// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using GuestSurfaces.Interop;
using Xunit;

namespace GuestSurfaces.Tests.Native;

/// <summary>Asks the system's own headers whether our structs and constants are theirs: a C file of static assertions, compiled by gcc.</summary>
public sealed class LayoutTests
{
    private static readonly (Type Ours, string Theirs)[] s_structs =
    [
        (typeof(LibC.Timespec), "struct timespec"),
        (typeof(LibC.Statx), "struct statx"),
        (typeof(LibC.IoVec), "struct iovec"),
        (typeof(LibC.MsgHdr), "struct msghdr"),
        (typeof(LibC.CmsgHdr), "struct cmsghdr"),
        (typeof(LibC.PollFd), "struct pollfd"),
        (typeof(LibC.UdmabufCreateList), "struct udmabuf_create_list"),
        (typeof(LibC.UdmabufCreateItem), "struct udmabuf_create_item"),
        (typeof(LibC.RLimit), "struct rlimit"),
        (typeof(LibC.Group), "struct group"),
        (typeof(LibC.SockFilter), "struct sock_filter"),
        (typeof(LibC.SockFprog), "struct sock_fprog"),
        (typeof(LibC.SeccompData), "struct seccomp_data"),
        (typeof(LibC.LandlockPathBeneathAttr), "struct landlock_path_beneath_attr"),
        (typeof(LibC.DmaBufSync), "struct dma_buf_sync"),
        (typeof(LibC.DmaBufSyncFile), "struct dma_buf_export_sync_file"),
        (typeof(LibC.DmaBufSyncFile), "struct dma_buf_import_sync_file"),
        (typeof(LibC.DrmGetCap), "struct drm_get_cap"),
        (typeof(LibC.DrmSyncobjCreate), "struct drm_syncobj_create"),
        (typeof(LibC.DrmSyncobjDestroy), "struct drm_syncobj_destroy"),
        (typeof(LibC.DrmSyncobjTransfer), "struct drm_syncobj_transfer"),
        (typeof(LibC.DrmSyncobjTimelineArray), "struct drm_syncobj_timeline_array"),
        (typeof(LibC.DrmSyncobjHandle), "struct drm_syncobj_handle"),
        (typeof(LibC.DrmSyncobjEventfd), "struct drm_syncobj_eventfd"),
    ];

    // What has to be defined for a struct to be there as we know it.
    private static readonly Dictionary<string, string> s_conditions = new()
    {
        ["struct drm_syncobj_handle"] = "defined(GS_DRM) && !defined(DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_TIMELINE)", // longer since
        ["struct drm_syncobj_eventfd"] = "defined(DRM_IOCTL_SYNCOBJ_EVENTFD)",
    };

    // Constants that no header defines under that name: what they stand for, or null for those that stand for nothing.
    private static readonly Dictionary<string, string?> s_otherNames = new()
    {
        ["Library"] = null,
        ["SpawnActionsBytes"] = "sizeof(posix_spawn_file_actions_t)",
        ["SpawnAttributesBytes"] = "sizeof(posix_spawnattr_t)",
        ["SignalSetBytes"] = "sizeof(sigset_t)",
        ["LibraryName"] = null,
        ["AttributesPerPlane"] = null,
        ["DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD"] = "DRM_IOWR(0xC1, char[16])",
        ["DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE"] = "DRM_IOWR(0xC2, char[16])",
    };

    // Newer than the oldest headers that this is built with, which are those of Linux 6.1.
    private static readonly HashSet<string> s_newer =
    [
        "LANDLOCK_ACCESS_FS_TRUNCATE", "LANDLOCK_ACCESS_FS_IOCTL_DEV", "LANDLOCK_ACCESS_NET_BIND_TCP", "LANDLOCK_ACCESS_NET_CONNECT_TCP", "LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET",
        "LANDLOCK_SCOPE_SIGNAL", "DRM_IOCTL_SYNCOBJ_EVENTFD",
    ];

    private const int NewestInOldestHeaders = 450;

    [Fact]
    public void Structs_and_constants_are_those_of_the_system_headers()
    {
        var c = new StringBuilder();
        c.AppendLine("#define _GNU_SOURCE");
        foreach (var header in (string[])["stddef.h", "time.h", "fcntl.h", "poll.h", "errno.h", "sys/stat.h", "sys/uio.h", "sys/socket.h", "sys/mman.h", "sys/eventfd.h", "sys/epoll.h", "sys/timerfd.h", "unistd.h", "spawn.h", "signal.h", "grp.h", "sys/resource.h", "sys/prctl.h", "sys/syscall.h",
            "linux/filter.h", "linux/seccomp.h", "linux/audit.h", "linux/landlock.h", "linux/dma-buf.h", "linux/udmabuf.h", "EGL/egl.h", "EGL/eglext.h", "GLES2/gl2.h", "GLES2/gl2ext.h"])
            c.AppendLine($"#include <{header}>");

        // Debian's kernel headers lack it; libdrm has it.
        c.AppendLine("#if __has_include(<libdrm/drm.h>)\n#include <libdrm/drm.h>\n#define GS_DRM\n#elif __has_include(<drm/drm.h>)\n#include <drm/drm.h>\n#define GS_DRM\n#endif");

        var checks = 0;
        foreach (var (ours, theirs) in s_structs)
        {
            c.AppendLine($"#if {ConditionOf(theirs)}");
            c.AppendLine($"_Static_assert(sizeof({theirs}) == {Marshal.SizeOf(ours)}, \"size of {theirs}\");");
            foreach (var field in ours.GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public))
            {
                var offset = Marshal.OffsetOf(ours, field.Name);
                c.AppendLine($"_Static_assert(offsetof({theirs}, {field.Name}) == {offset}, \"{theirs}.{field.Name}\");");
                checks++;
            }

            c.AppendLine("#endif");
            checks++;
        }

        Type[] classes = [typeof(LibC), typeof(Egl), typeof(Gl)];
        foreach (var constant in classes.SelectMany(c => c.GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)).Where(f => f.IsLiteral))
        {
            var name = s_otherNames.GetValueOrDefault(constant.Name, constant.Name);
            if (name is null)
                continue;
            var comparison = constant.Name.EndsWith("Bytes", StringComparison.Ordinal) ? "<=" : "=="; // room for an opaque type may be generous
            var check = $"_Static_assert({name} {comparison} {constant.GetRawConstantValue()}, \"{constant.Name}\");";
            c.AppendLine($"#if {ConditionOf(name)}\n{check}\n#endif");
            checks++;
        }

        foreach (var errno in Enum.GetValues<Errno>().Where(e => e != Errno.None))
        {
            c.AppendLine($"_Static_assert({errno} == {(int)errno}, \"{errno}\");");
            checks++;
        }

        var (exitCode, output) = Compile(c.ToString());
        Assert.True(exitCode == 0, output);
        TestContext.Current.TestOutputHelper?.WriteLine($"compared {checks} sizes, offsets and constants");
    }

    [Theory]
    [InlineData("asm/unistd.h", "x64")]
    [InlineData("asm-generic/unistd.h", "arm64")] // whose own header takes these; those that depend on the size of a word are __NR3264_ there
    public void Numbers_of_system_calls_are_those_of_the_kernels_headers(string header, string architecture)
    {
        if (architecture == "x64" && RuntimeInformation.ProcessArchitecture != System.Runtime.InteropServices.Architecture.X64)
            Assert.Skip("this machine's headers are another processor's");
        var numbers = architecture == "x64" ? SyscallArchitecture.X64 : SyscallArchitecture.Arm64;
        var c = new StringBuilder($"#define __BITS_PER_LONG 64\n#define __ARCH_WANT_SYS_CLONE3\n#define __ARCH_WANT_MEMFD_SECRET\n#include <{header}>\n");
        foreach (var name in SyscallArchitecture.Names)
        {
            var symbol = $"__NR_{name}";
            if (numbers.NumberOf(name) is { } number)
                c.AppendLine($"#ifdef {symbol}\n_Static_assert({symbol} == {number}, \"{name}\");\n#elif {number} <= {NewestInOldestHeaders}\n#error {name} is missing\n#endif");
            else
                c.AppendLine($"#ifdef {symbol}\n#error {name} has a number here\n#endif");
        }

        var (exitCode, output) = Compile(c.ToString());
        Assert.True(exitCode == 0, output);
    }

    [Fact]
    public void A_wrong_constant_would_be_noticed()
    {
        var (exitCode, _) = Compile("#include <fcntl.h>\n_Static_assert(O_CLOEXEC == 1, \"\");\n");
        Assert.NotEqual(0, exitCode);
    }

    private static string ConditionOf(string name)
    {
        if (s_conditions.TryGetValue(name, out var condition))
            return condition;
        if (s_newer.Contains(name))
            return $"defined({name})";
        return name.Contains("drm_", StringComparison.OrdinalIgnoreCase) || name.StartsWith("DRM_", StringComparison.Ordinal) ? "defined(GS_DRM)" : "1";
    }

    private static (int ExitCode, string Output) Compile(string source)
    {
        using var gcc = Process.Start(new ProcessStartInfo("gcc", ["-x", "c", "-fsyntax-only", "-"]) { RedirectStandardInput = true, RedirectStandardError = true })!;
        gcc.StandardInput.Write(source);
        gcc.StandardInput.Close();
        var output = gcc.StandardError.ReadToEnd();
        gcc.WaitForExit();
        return (gcc.ExitCode, output);
    }
}
