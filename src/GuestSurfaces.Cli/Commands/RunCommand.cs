// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Cli.Qemu;
using GuestSurfaces.Cli.Status;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Interop;
using GuestSurfaces.Transports.QemuDBus;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Cli.Commands;

/// <summary><c>guest-surfaces run -- qemu…</c>: completes the user's own QEMU command line, starts it, shows it, ends with it.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var common = new CommonOptions();
        var vmm = new Argument<string[]>("command")
        {
            Description = "The QEMU command, after --. It may stand behind a wrapper (sudo, taskset, a script that ends in exec \"$@\").",
            Arity = ArgumentArity.OneOrMore,
        };
        var dryRun = new Option<bool>("--dry-run") { Description = "Print the completed command line and end." };
        var device = new Option<string>("--device")
        {
            Description = "QEMU's end of the graphics card: auto, gpu (vhost-user-gpu-pci) or generic (vhost-user-test-device-pci).",
            DefaultValueFactory = _ => "auto",
            HelpName = "KIND",
        };
        var oneProcess = new Option<bool>("--one-process") { Description = "Be the VM's device and show its windows in this one process, which then isn't isolated and whose failure ends both." };
        var noInput = new Option<bool>("--no-input") { Description = "Give the guest no keyboard, pointer and mouse: it can be seen, not typed into." };
        var touchscreen = new Option<bool>("--touchscreen") { Description = "Give the guest a touchscreen, too: some desktops look different then." };
        var tablet = new Option<bool>("--graphics-tablet") { Description = "Give the guest a graphics tablet, too, for the pens of this desktop's." };
        device.AcceptOnlyFromAmong("auto", "gpu", "generic");
        var command = new DetailedCommand(
            "run",
            "Start a VM with QEMU and show its screen as windows of this session.",
            """
            Whatever your command line lacks is added to its end, and said: guest RAM that can be shared, a virtio-gpu served by this program, a keyboard, a
            pointer and a mouse, no second graphics card, no window of QEMU's own.
            Ends when QEMU ends, with QEMU's exit code. Closing the window asks QEMU to end; so does Ctrl-C.
            The chord of --grab-chord gives the guest keyboard and mouse for itself, for games and the like, and takes them back; the window says so.
            The windows belong to a process of their own, which is started again if it ends: the VM doesn't notice. guest-surfaces present NAME shows the VM once more.
            So does the VM's device, which gives up whatever it doesn't need before the guest starts: docs/security.md.

            Whether frames can be shown without a copy depends on QEMU's end of the graphics card. The generic device (QEMU 10.2 or newer) lets the guest share its
            framebuffers (blobs). vhost-user-gpu-pci, which every QEMU has, lets it copy only (but see --alias-2d). QEMU is asked which it has: --device auto takes the generic one if it is
            there. QEMU calls that a device for tests, and firmware may not draw on it before the guest's driver starts: --device gpu takes the other.
            A script in QEMU's place isn't asked, since it would run twice: say --device generic if its QEMU has that.

            The guest takes its window's size in the screen's pixels, whenever that changes (--no-resize: it doesn't). In front of vhost-user-gpu-pci QEMU itself must be told: it is started
            with -display dbus,p2p=on for that, if it has it (Debian: in qemu-system-common or qemu-system-gui) and your command line doesn't say -display. Closing one of several
            windows unplugs that monitor; guest-surfaces present NAME plugs all in again.

              guest-surfaces run -- qemu-system-x86_64 -accel kvm -m 4G -smp 4 disk.qcow2
              guest-surfaces run --name work --outputs 2 -- ./my-vm.sh
            """)
        {
            common.Name, common.Fullscreen, common.Outputs, common.Size, common.Stats, common.Note, common.NoDisplay,
            common.ZeroCopy, common.Alias2D, common.Convert, common.NoResize, common.Policy, common.Sync, common.GrabChord, common.Verbose, noInput, touchscreen, tablet, oneProcess, common.NoIsolation, device, dryRun, vmm,
        };
        command.SetAction(result =>
        {
            // A socket to the compositor that was handed down (WAYLAND_SOCKET) is good for one process.
            var options = common.Read(result);
            var isSplit = !result.GetValue(oneProcess) && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("WAYLAND_SOCKET"));
            return Run(
                options with { ServesLink = isSplit }, KindsOf(result.GetValue(noInput), result.GetValue(touchscreen), result.GetValue(tablet)), result.GetValue(vmm)!,
                Enum.Parse<DeviceWish>(result.GetValue(device)!, ignoreCase: true), result.GetValue(dryRun));
        });
        return command;
    }

    private static InputKind[] KindsOf(bool noInput, bool hasTouchscreen, bool hasTablet) =>
    [
        .. noInput ? [] : (InputKind[])[InputKind.Keyboard, InputKind.Pointer, InputKind.Mouse],
        .. hasTouchscreen ? [InputKind.Touch] : (InputKind[])[],
        .. hasTablet ? [InputKind.Tablet] : (InputKind[])[],
    ];

    private static int Run(HostOptions options, InputKind[] kinds, string[] vmm, DeviceWish wish, bool dryRun)
    {
        if (vmm[0].StartsWith('-'))
            throw new UserErrorException($"{vmm[0]} isn't an option of run", "see guest-surfaces run --help; the VM's own command stands after --");
        var line = new QemuCommandLine(vmm);
        using var folder = new RuntimeFolder();
        var socketPath = folder["gpu.sock"];
        options = options with { InputPaths = kinds.ToDictionary(static kind => kind, kind => folder[$"{HostOptions.NameOf(kind)}.sock"]) };
        var probe = new QemuProbe();
        var device = probe.Choose(wish, vmm);
        var monitorPath = device.Name == QemuDevice.Gpu && options is { ResizeGuest: true, ShowWindows: true } && line.LeavesDisplay && probe.HasDBusDisplay(vmm) ? folder["qmp.sock"] : null;
        var additions = line.Complete(socketPath, options.Outputs, device, options.InputPaths, monitorPath);
        var complete = line.With(additions);
        if (dryRun)
        {
            Console.WriteLine(ShellWords.Join(complete));
            return 0;
        }

        foreach (var addition in additions)
            Console.Error.WriteLine($"added: {ShellWords.Join(addition.Arguments)}   ({addition.Why})");

        if (options is { ServesLink: true, ShowWindows: true })
        {
            RequireDisplay();
            if (StatusFolder.OfSession is null)
                options = options with { LinkPath = folder["viewers.link"] };
        }

        if (options.ServesLink)
        {
            using var supervisor = new VmSupervisor(options, socketPath, monitorPath);
            return supervisor.Run(complete);
        }

        using var host = new GuestHost(options);
        host.ListenVhostUser(socketPath);
        using var vm = new VmProcess(complete, host.Loop);
        using var consoles = monitorPath is null ? null : new QemuConsoles(host.Loop, monitorPath, host.Log);
        host.ModeTold = consoles is null ? null : consoles.SetMode;
        host.StopRequested = vm.RequestEnd;
        host.Run();
        host.WriteStats();
        return vm.Collect();
    }

    // Before the VM is started: nobody wants to wait for its windows in vain.
    private static void RequireDisplay()
    {
        try
        {
            WaylandConnection.Connect().Dispose();
        }
        catch (Exception e) when (e is SyscallException or InvalidOperationException)
        {
            throw GuestHost.NoDisplay(e);
        }
    }
}
