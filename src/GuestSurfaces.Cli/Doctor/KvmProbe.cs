// SPDX-License-Identifier: MIT
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Cli.Doctor;

/// <summary>
/// Whether KVM runs anything. A /dev/kvm can be there, be opened and make VMs, in which QEMU then fails or every kernel hangs: so something is booted, within a time limit. That is the
/// host's own kernel where this user may read it, which stops for want of a root file system, else QEMU's firmware, which stops for want of a disk.
/// </summary>
internal static class KvmProbe
{
    /// <summary>A tenth of a second for the firmware, a second for a kernel, and ten times that in a VM.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);

    // The last that either prints. (A kernel that runs with no screen says nothing but to the port it is told.)
    private static readonly string[] s_done = ["No bootable device", "Unable to mount root fs"];

    /// <summary>Looks, and tries.</summary>
    /// <param name="qemu">What runs QEMU, wrappers too; null if there is none to try with.</param>
    /// <param name="kernelRelease">The running kernel's.</param>
    public static KvmFacts Run(IReadOnlyList<string>? qemu, string kernelRelease)
    {
        using var kvm = FileHandle.TryOpen("/dev/kvm", out var errno);
        if (kvm is null)
            return new KvmFacts(errno);
        if (qemu is null || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return new KvmFacts(Errno.None);
        var kernel = $"/boot/vmlinuz-{kernelRelease}";
        var isKernel = CanRead(kernel);
        string[] machine = ["-nodefaults", "-no-user-config", "-display", "none", "-accel", "kvm", "-cpu", "host", "-m", "256", "-no-reboot", "-chardev", "stdio,id=out"];
        string[] guest = isKernel
            ? ["-kernel", kernel, "-append", "console=ttyS0 panic=-1", "-serial", "chardev:out"]
            : ["-device", "isa-debugcon,iobase=0x402,chardev=out"];
        return new KvmFacts(Errno.None, isKernel ? $"Linux {kernelRelease}" : "QEMU's firmware", Boot(qemu[0], [.. qemu.Skip(1), .. machine, .. guest]));
    }

    /// <returns>Why it didn't come up; empty if it did.</returns>
    private static string Boot(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            try
            {
                var errors = process.StandardError.ReadLineAsync();
                var isUp = Task.Run(() => ReadUntilDone(process.StandardOutput));
                if (!isUp.Wait(s_patience))
                    return $"hangs: nothing within {s_patience.TotalSeconds:0} s";
                return isUp.Result ? "" : errors.Wait(s_patience) && errors.Result is { Length: > 0 } line ? line : "QEMU ends before it is up";
            }
            finally
            {
                process.Kill(entireProcessTree: true);
                process.WaitForExit();
            }
        }
        catch (Win32Exception e)
        {
            return e.Message;
        }
    }

    private static bool ReadUntilDone(StreamReader output)
    {
        while (output.ReadLine() is { } line)
        {
            if (s_done.Any(done => line.Contains(done, StringComparison.Ordinal)))
                return true;
        }

        return false;
    }

    private static bool CanRead(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
