// SPDX-License-Identifier: MIT
using System.ComponentModel;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace GuestSurfaces.Cli.Qemu;

/// <summary>
/// Finds out which device the QEMU of a command line has, by asking that QEMU: versions don't tell, since devices are compiled in and out, and turned off and
/// on again. <c>-device help</c> prints and ends before QEMU opens anything.
/// </summary>
/// <param name="run">Runs a command and returns its standard output; null if it can't be run, fails, or takes too long.</param>
internal sealed partial class QemuProbe(Func<IReadOnlyList<string>, string?> run)
{
    /// <summary>QEMU takes a tenth of a second; in an emulated machine some seconds.</summary>
    private const int PatienceMs = 10_000;

    private const string Ours = "a virtio-gpu served by this program";

    // They may ask for a password, which nobody would see: QEMU prints its list without them.
    private static readonly string[] s_privilege = ["sudo", "doas", "pkexec", "run0"];

    /// <summary>Asks the programs of this machine.</summary>
    public QemuProbe()
        : this(static command => TryRun(command, PatienceMs))
    {
    }

    /// <summary>Chooses the device for a command line.</summary>
    /// <param name="wish">What the user wants.</param>
    /// <param name="command">QEMU, perhaps behind wrappers, and its arguments.</param>
    /// <exception cref="UserErrorException">QEMU lacks the device that the user wants.</exception>
    public QemuDevice Choose(DeviceWish wish, IReadOnlyList<string> command)
    {
        if (wish == DeviceWish.Gpu)
            return new QemuDevice(QemuDevice.Gpu, $"{Ours}; as --device says");
        var qemu = ProgramOf(command);
        var list = qemu is null ? null : run([.. qemu, "-device", "help"]);
        if (list is null)
        {
            return wish == DeviceWish.Generic
                ? new QemuDevice(QemuDevice.Generic[0], $"{Ours}; as --device says")
                : new QemuDevice(QemuDevice.Gpu, $"{Ours}; frames are copied. QEMU couldn't be asked for a device that passes blobs on: add --device generic if it has one");
        }

        var devices = Names().Matches(list).Select(static m => m.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        foreach (var name in QemuDevice.Generic)
        {
            // Before 9.0 it had two queues of four entries and no configuration space: no GPU fits in there.
            if (devices.Contains(name) && run([.. qemu!, "-device", $"{name},help"]) is { } options && QemuDevice.GenericOptions.All(o => options.Contains(o + "=", StringComparison.Ordinal)))
                return new QemuDevice(name, $"{Ours}; this device passes blobs on, which can be shown without a copy");
        }

        return wish == DeviceWish.Generic
            ? throw new UserErrorException("this QEMU has no generic vhost-user device that fits", "QEMU 10.2 or newer has one (Debian 13: qemu-system-x86 from trixie-backports); or leave --device out")
            : new QemuDevice(QemuDevice.Gpu, $"{Ours}; frames are copied, since this QEMU has no device that passes blobs on: 10.2 or newer has");
    }

    /// <summary>Whether a QEMU has the D-Bus display, which distributions put into packages of their own. A script in QEMU's place isn't asked.</summary>
    /// <param name="command">QEMU, perhaps behind wrappers, and its arguments.</param>
    public bool HasDBusDisplay(IReadOnlyList<string> command) =>
        ProgramOf(command) is { } qemu && run([.. qemu, "-display", "help"]) is { } list && list.Split('\n').Any(static line => line.Trim() == "dbus");

    /// <summary>
    /// The part of a command that runs QEMU with arguments of ours: all up to its name, wrappers too, since they may say which QEMU it is. Null where a script
    /// hides it: who knows what else that does.
    /// </summary>
    internal static IReadOnlyList<string>? ProgramOf(IReadOnlyList<string> command)
    {
        for (var i = 0; i < command.Count; i++)
        {
            var name = command[i][(command[i].LastIndexOf('/') + 1)..];
            if (Program().IsMatch(name) || (i == 0 && name is "kvm" or "qemu"))
                return s_privilege.Contains(command[0]) ? [command[i]] : [.. command.Take(i + 1)];
        }

        return null;
    }

    /// <summary>Runs a command without input.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="patienceMs">When to give up, and end it and its children.</param>
    internal static string? TryRun(IReadOnlyList<string> command, int patienceMs)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            process.ErrorDataReceived += static (_, _) => { }; // read, so that it can't fill up
            process.BeginErrorReadLine();
            var output = process.StandardOutput.ReadToEndAsync();
            if (output.Wait(patienceMs) && process.WaitForExit(patienceMs))
                return process.ExitCode == 0 ? output.Result : null;
            process.Kill(entireProcessTree: true);
            return null;
        }
        catch (Win32Exception)
        {
            return null; // no such program
        }
    }

    [GeneratedRegex(@"^(qemu-system-[A-Za-z0-9_]+|qemu-kvm)\z")]
    private static partial Regex Program();

    [GeneratedRegex("^name \"([^\"]+)\"", RegexOptions.Multiline)]
    private static partial Regex Names();
}
