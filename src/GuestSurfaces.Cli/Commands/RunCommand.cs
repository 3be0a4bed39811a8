// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Cli.Present;
using GuestSurfaces.Cli.Qemu;
using GuestSurfaces.Cli.Status;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
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
        var oneProcess = new Option<bool>("--one-process") { Description = "Show the windows from this process, not from one of their own that may fail and is then started again." };
        device.AcceptOnlyFromAmong("auto", "gpu", "generic");
        var command = new DetailedCommand(
            "run",
            "Start a VM with QEMU and show its screen as windows of this session.",
            """
            Whatever your command line lacks is added to its end, and said: guest RAM that can be shared, a virtio-gpu served by this program, no second graphics card, no window of QEMU's own.
            Ends when QEMU ends, with QEMU's exit code. Closing the window asks QEMU to end; so does Ctrl-C.
            The windows belong to a process of their own, which is started again if it ends: the VM doesn't notice. guest-surfaces present NAME shows the VM once more.

            Whether frames can be shown without a copy depends on QEMU's end of the graphics card. The generic device (QEMU 10.2 or newer) lets the guest share its
            framebuffers (blobs). vhost-user-gpu-pci, which every QEMU has, lets it copy only (but see --alias-2d). QEMU is asked which it has: --device auto takes the generic one if it is
            there. QEMU calls that a device for tests, and firmware may not draw on it before the guest's driver starts: --device gpu takes the other.
            A script in QEMU's place isn't asked, since it would run twice: say --device generic if its QEMU has that.

              guest-surfaces run -- qemu-system-x86_64 -accel kvm -m 4G -smp 4 disk.qcow2
              guest-surfaces run --name work --outputs 2 -- ./my-vm.sh
            """)
        {
            common.Name, common.Fullscreen, common.Outputs, common.Size, common.Stats, common.Note, common.NoDisplay,
            common.ZeroCopy, common.Alias2D, common.Convert, common.Verbose, oneProcess, device, dryRun, vmm,
        };
        command.SetAction(result =>
        {
            // A socket to the compositor that was handed down (WAYLAND_SOCKET) is good for one process.
            var options = common.Read(result);
            var isSplit = options.ShowWindows && !result.GetValue(oneProcess) && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("WAYLAND_SOCKET"));
            return Run(
                options with { ServesLink = isSplit }, result.GetValue(vmm)!, Enum.Parse<DeviceWish>(result.GetValue(device)!, ignoreCase: true), result.GetValue(dryRun));
        });
        return command;
    }

    private static int Run(HostOptions options, string[] vmm, DeviceWish wish, bool dryRun)
    {
        if (vmm[0].StartsWith('-'))
            throw new UserErrorException($"{vmm[0]} isn't an option of run", "see guest-surfaces run --help; the VM's own command stands after --");
        var line = new QemuCommandLine(vmm);
        using var folder = new RuntimeFolder();
        var socketPath = folder["gpu.sock"];
        var additions = line.Complete(socketPath, options.Outputs, new QemuProbe().Choose(wish, vmm));
        var complete = line.With(additions);
        if (dryRun)
        {
            Console.WriteLine(string.Join(' ', complete.Select(ShellWords.Quote)));
            return 0;
        }

        foreach (var addition in additions)
            Console.Error.WriteLine($"added: {string.Join(' ', addition.Arguments.Select(ShellWords.Quote))}   ({addition.Why})");

        if (options.ServesLink)
        {
            RequireDisplay();
            if (StatusFolder.OfSession is null)
                options = options with { LinkPath = folder["viewers.link"] };
        }

        using var host = new GuestHost(options);
        host.ListenVhostUser(socketPath);
        using var process = Start(complete);
        var end = new VmEnd(process, host.Loop.Timers.Clock);
        host.StopRequested = end.Request;
        host.Tick = end.KillIfOverdue;
        using var presenter = host.LinkPath is { } linkPath ? new PresenterProcess(host.Loop, linkPath, options, host.Log) : null;
        using (host.Loop.Watch(process.ExitEvent, EpollEvents.In, new StopLoop(host.Loop)))
        {
            host.Run();
        }

        host.WriteStats();
        _ = process.WaitForExit(timeoutMs: -1); // it has ended: this collects its exit code
        return process.ExitCode ?? 1;
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

    private static ChildProcess Start(IReadOnlyList<string> command)
    {
        try
        {
            return ChildProcess.Start(command, inherited: null, output: null);
        }
        catch (SyscallException e)
        {
            throw new UserErrorException(e.Message, "put a program that can be started after --, for example: guest-surfaces run -- qemu-system-x86_64 -m 2G disk.qcow2");
        }
    }

    /// <summary>
    /// Ends the VM on request. The device goes on serving it meanwhile: QEMU waits for its back-ends' answers while it closes its disks. Only one that hangs is killed.
    /// </summary>
    private sealed class VmEnd(ChildProcess process, IClock clock)
    {
        private const long PatienceNs = 8_000_000_000;
        private long _requestedNs;

        /// <summary>Asks the VM to end. Thread: any.</summary>
        public void Request()
        {
            process.RequestExit();
            Interlocked.CompareExchange(ref _requestedNs, clock.NowNs, 0);
        }

        /// <summary>Kills it when it was asked long ago.</summary>
        public void KillIfOverdue()
        {
            var requested = Interlocked.Read(ref _requestedNs);
            if (requested == 0 || clock.NowNs - requested < PatienceNs || process.WaitForExit(0))
                return;
            Console.Error.WriteLine("the VM didn't end within eight seconds and was killed");
            process.Kill();
        }
    }
}
