// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Core.Input;

namespace GuestSurfaces.Cli.Qemu;

/// <summary>What <c>run</c> adds to a QEMU command line, and why.</summary>
/// <param name="Arguments">One option with its value.</param>
/// <param name="Why">A short clause for the user.</param>
internal sealed record Addition(string[] Arguments, string Why);

/// <summary>
/// Completes the user's own QEMU command line: shared guest RAM, our device, no second graphics card. Whatever the user already says stays as it is.
/// </summary>
internal sealed class QemuCommandLine
{
    private const string MemoryId = "gs-mem";
    private const string ChardevId = "gs-gpu";
    private const long DefaultMemoryMib = 128; // QEMU's
    private const long MaxMemoryMib = 1L << 40; // an exbibyte
    private static readonly string[] s_machineOptions = ["-machine", "-M", "--machine"];

    private readonly IReadOnlyList<string> _command;

    /// <summary>Reads a command: a program, perhaps behind wrappers, and its arguments.</summary>
    /// <param name="command">As given after <c>--</c>.</param>
    public QemuCommandLine(IReadOnlyList<string> command)
    {
        if (command.Count == 0)
            throw new UserErrorException("run needs a QEMU command after --", "for example: guest-surfaces run -- qemu-system-x86_64 -m 2G -cdrom debian.iso");
        _command = command;
    }

    /// <summary>Whether the user doesn't say what QEMU itself shows.</summary>
    public bool LeavesDisplay => !Has("-display", "--display") && !Has("-nographic", "--nographic");

    /// <summary>Works out what is missing.</summary>
    /// <param name="socketPath">Where our back-end listens.</param>
    /// <param name="outputs">How many heads the device may have.</param>
    /// <param name="device">QEMU's end of it.</param>
    /// <param name="inputPaths">Where our keyboard, pointer and the like listen.</param>
    /// <param name="monitorPath">Where QEMU is to listen for what its D-Bus display shall know; null: it shows nothing at all. Only if <see cref="LeavesDisplay"/>.</param>
    public IReadOnlyList<Addition> Complete(string socketPath, int outputs, QemuDevice device, IReadOnlyDictionary<InputKind, string> inputPaths, string? monitorPath = null)
    {
        var additions = new List<Addition>();
        if (Options("-device", "--device").FirstOrDefault(IsOtherGpu) is { } gpu)
            throw new UserErrorException($"the command line already has a graphics device ({gpu})", "leave it out: run adds its own");

        AddMemory(additions);
        var graphics = Options("-vga", "--vga").LastOrDefault();
        if (graphics is not null && graphics != "none")
            throw new UserErrorException($"the command line asks for QEMU's own graphics card (-vga {graphics})", "leave -vga out: run adds a device of its own");
        if (graphics is null && !Has("-nodefaults", "--nodefaults"))
            additions.Add(new Addition(["-vga", "none"], "only one graphics card"));
        if (monitorPath is not null && LeavesDisplay)
        {
            additions.Add(new Addition(["-display", "dbus,p2p=on"], "the window is ours, and QEMU passes its size on to the guest"));
            additions.Add(new Addition(["-qmp", $"unix:{monitorPath},server=on,wait=off"], "the way to tell QEMU that size"));
        }
        else if (LeavesDisplay)
        {
            additions.Add(new Addition(["-display", "none"], "the window is ours, not QEMU's"));
        }

        additions.Add(new Addition(["-chardev", $"socket,id={ChardevId},path={socketPath}"], "the way to our device"));
        additions.Add(new Addition(["-device", device.Argument(ChardevId, outputs)], device.Why));
        foreach (var (kind, path) in inputPaths)
        {
            var what = kind == InputKind.Touch ? "touchscreen" : HostOptions.NameOf(kind);
            var id = $"gs-{what}";
            additions.Add(new Addition(["-chardev", $"socket,id={id},path={path}"], $"the way to our {what}"));
            additions.Add(new Addition(["-device", $"vhost-user-input-pci,chardev={id}"], $"the {what} of the window"));
        }

        return additions;
    }

    /// <summary>The whole command: the user's, then what was added.</summary>
    /// <param name="additions">From <see cref="Complete"/>.</param>
    public IReadOnlyList<string> With(IEnumerable<Addition> additions) => [.. _command, .. additions.SelectMany(a => a.Arguments)];

    /// <summary>Guest RAM in MiB, as <c>-m</c> says it, or QEMU's default.</summary>
    /// <exception cref="UserErrorException">What it says is no size.</exception>
    public long MemoryMib => Options("-m", "--m").LastOrDefault() is { } m ? ParseMemory(m) : DefaultMemoryMib;

    /// <summary>The value of the <c>-object</c> that is guest RAM; null if the command line leaves that to <see cref="Complete"/>, or names it in a way not read here.</summary>
    public string? MemoryBackend =>
        MemoryBackendId() is { } id ? MemoryObjects().Find(o => o.Split(',').Contains($"id={id}"))
        : HasNumaMemory ? MemoryObjects().FirstOrDefault()
        : null;

    /// <summary>Whether guests run on the processor: <c>-accel kvm</c>, or an older way to say it.</summary>
    public bool UsesKvm =>
        Has("-enable-kvm", "--enable-kvm") || _command[0].EndsWith("kvm", StringComparison.Ordinal)
        || Options(["-accel", "--accel", .. s_machineOptions]).SelectMany(static o => o.Split(',')).Any(static p => p is "kvm" or "accel=kvm" or "accel=kvm:tcg");

    private bool HasNumaMemory => Options("-numa", "--numa").Any(n => n.Contains("memdev=", StringComparison.Ordinal));

    private string? MemoryBackendId() =>
        Options(s_machineOptions).SelectMany(o => o.Split(',')).LastOrDefault(p => p.StartsWith("memory-backend=", StringComparison.Ordinal))?["memory-backend=".Length..];

    private List<string> MemoryObjects() => [.. Options("-object", "--object").Where(o => o.StartsWith("memory-backend-", StringComparison.Ordinal))];

    private void AddMemory(List<Addition> additions)
    {
        var objects = MemoryObjects();
        if (MemoryBackendId() is not null)
        {
            if (MemoryBackend is { } backend && !IsShared(backend))
                throw new UserErrorException($"guest RAM ({backend}) isn't shared, so no other process can show its pictures", "add share=on to that -object, or leave it out");
            return;
        }

        // -numa node,memdev=… gives RAM to the machine in another way; then every part of it must be shared already.
        if (HasNumaMemory)
        {
            if (objects.Find(o => !IsShared(o)) is { } unshared)
                throw new UserErrorException($"guest RAM ({unshared}) isn't shared, so no other process can show its pictures", "add share=on to that -object");
            return;
        }

        additions.Add(new Addition(
            ["-object", $"memory-backend-memfd,id={MemoryId},size={MemoryMib.ToString(CultureInfo.InvariantCulture)}M,share=on"],
            "guest RAM that this program can read"));
        additions.Add(new Addition(["-machine", $"memory-backend={MemoryId}"], "use it"));
    }

    private static bool IsShared(string memoryObject) =>
        memoryObject.StartsWith("memory-backend-memfd", StringComparison.Ordinal)
            ? !memoryObject.Contains("share=off", StringComparison.Ordinal)
            : memoryObject.Contains("share=on", StringComparison.Ordinal) || memoryObject.Contains("share=yes", StringComparison.Ordinal);

    private static bool IsOtherGpu(string device)
    {
        var name = device.Split(',')[0];
        return name.StartsWith("virtio-gpu", StringComparison.Ordinal) || name.StartsWith("virtio-vga", StringComparison.Ordinal)
            || name.StartsWith("vhost-user-gpu", StringComparison.Ordinal) || name.StartsWith("vhost-user-vga", StringComparison.Ordinal)
            || device.Split(',').Contains("virtio-id=16")
            || name is "VGA" or "bochs-display" or "qxl" or "qxl-vga" or "cirrus-vga" or "ramfb";
    }

    private static long ParseMemory(string text)
    {
        var size = text.Split(',').Select(p => p.StartsWith("size=", StringComparison.Ordinal) ? p[5..] : p).FirstOrDefault(p => !p.Contains('=', StringComparison.Ordinal));
        if (size is null)
            return DefaultMemoryMib; // only slots and maxmem
        var unit = size.Length > 0 ? char.ToUpperInvariant(size[^1]) : ' ';
        var digits = unit is 'B' or 'K' or 'M' or 'G' or 'T' ? size[..^1] : size;
        var isNumber = ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
        var mib = unit switch
        {
            'B' => number / (UInt128)(1024 * 1024),
            'K' => number / (UInt128)1024,
            'G' => number * (UInt128)1024,
            'T' => number * (UInt128)(1024 * 1024),
            _ => number,
        };
        return isNumber && mib > 0 && mib <= MaxMemoryMib
            ? (long)mib
            : throw new UserErrorException($"-m {text} isn't a memory size", "write it as -m 2G or -m 2048");
    }

    private IEnumerable<string> Options(params string[] names)
    {
        for (var i = 0; i + 1 < _command.Count; i++)
        {
            if (names.Contains(_command[i]))
                yield return _command[i + 1];
        }
    }

    private bool Has(params string[] names) => _command.Any(names.Contains);
}
