// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Cli.Isolation;
using GuestSurfaces.Cli.Status;
using GuestSurfaces.Interop;
using GuestSurfaces.Transports.VhostUser;

namespace GuestSurfaces.Cli.Commands;

/// <summary><c>guest-surfaces device</c>: the device by QEMU's conventions for back-end programs, for libvirt and its like.</summary>
internal static class DeviceCommand
{
    public static Command Create()
    {
        var common = new CommonOptions();
        var socketPath = new Option<string?>("--socket-path") { Description = "Listen here; the VMM connects.", HelpName = "PATH" };
        var fd = new Option<int?>("--fd") { Description = "Speak over this inherited, connected socket instead.", HelpName = "N" };
        var capabilities = new Option<bool>("--print-capabilities") { Description = "Print what this back-end can do as JSON, and end." };
        var window = new Option<bool>("--window") { Description = "Show the guest from this process instead, in the session of WAYLAND_DISPLAY: the VM's display ends with it." };
        var lifelineOption = Lifeline.CreateOption("device: tell when it listens; stay when the VMM disconnects, and end when this inherited socket's other end closes");
        var confined = new Option<string?>(DeviceIsolation.MarkerOption) { Hidden = true };
        var command = new DetailedCommand(
            "device",
            "Be a vhost-user GPU back-end that libvirt and its like start.",
            """
            QEMU's conventions for back-end programs: one of --socket-path and --fd; stays in the foreground; ends on SIGTERM, and when the VMM disconnects.
            It shows nothing itself: viewers come and go, and the VM doesn't notice. In a session: guest-surfaces present NAME (NAME as --name says).

            Before the guest's first byte it gives up what it doesn't need: all files but its program's and those named here (of a socket's folder it may make and remove files'
            names: give it one of its own), the network, and the system calls that it has no use for. guest-surfaces status tells what of that the kernel enforces; docs/security.md tells what for.

              guest-surfaces device --name work --socket-path /run/user/1000/vm.sock &
              guest-surfaces present work
            """)
        {
            socketPath, fd, capabilities, common.Name, common.Fullscreen, common.Outputs, common.Size, common.Stats, common.Note, common.NoDisplay,
            common.Link, common.LinkMode, common.LinkGroup, common.Keyboard, common.Pointer, common.Mouse, common.Touch, common.Tablet, common.GrabChord, window, common.NoResize, common.Policy, common.Sync, common.ZeroCopy, common.Alias2D, common.NoIsolation, lifelineOption, confined, common.Verbose,
        };
        command.SetAction(result =>
        {
            if (result.GetValue(capabilities))
            {
                Console.WriteLine(VhostUserProgram.Capabilities(VhostUserProgram.GpuDeviceId));
                return 0;
            }

            var options = common.Read(result);
            var isOneProcess = result.GetValue(window);
            if (isOneProcess && options.ServesLink)
                throw new UserErrorException("--window shows the guest here and --link elsewhere", "say one of them");
            options = options with { ServesLink = !isOneProcess && options.ShowWindows };
            var path = result.GetValue(socketPath);
            var number = result.GetValue(fd);
            if (path is null == number is null)
                throw new UserErrorException("device needs either --socket-path or --fd", "for example: guest-surfaces device --socket-path /tmp/gpu.sock");
            var isolation = isOneProcess ? DeviceIsolation.Off("--window shows the guest from it")
                : !options.Isolate ? DeviceIsolation.Off("--no-isolation")
                : result.GetValue(confined) is { } landlock ? DeviceIsolation.Confined(landlock)
                : DeviceIsolation.Confine(FilesFor(options, path), ThisProgram.Arguments);
            var lifelineNumber = result.GetValue(lifelineOption);
            using var host = new GuestHost(options with { IsSupervised = lifelineNumber is not null })
            {
                EndsWithFrontend = lifelineNumber is null,
                EndsWithWindow = isOneProcess,
                Isolation = isolation,
            };
            using var lifeline = Lifeline.Inherit(host.Loop, lifelineNumber);
            if (path is not null)
                host.ListenVhostUser(path);
            else
                Serve(host, number!.Value);
            if (lifeline is not null)
            {
                host.WindowClosed = () => lifeline.Tell(Lifeline.WindowClosed);
                host.ModeTold = (head, mode) => lifeline.Tell(Lifeline.TextOf(head, in mode));
                lifeline.Tell(Lifeline.Listening + host.LinkPath);
            }

            host.Run();
            host.WriteStats();
            return 0;
        });
        return command;
    }

    private static ReachableFiles FilesFor(HostOptions options, string? socketPath)
    {
        var files = new ReachableFiles();
        foreach (var socket in (string?[])[socketPath, options.LinkPath, .. options.InputPaths.Values])
        {
            if (socket is not null)
                _ = files.WithSocketsIn(Path.GetDirectoryName(Path.GetFullPath(socket))!);
        }

        if (StatusFolder.OfSession is { } folder)
            _ = files.WithSocketsIn(folder.Create());
        if (options.StatsPath is { } stats)
            _ = files.WithWritten(stats);
        return options.ZeroCopy ? files.WithDevice(UdmabufHandle.DevicePath) : files;
    }

    private static void Serve(GuestHost host, int number)
    {
        try
        {
            host.ServeVhostUser(UnixSocketHandle.FromInherited(number));
        }
        catch (SyscallException e)
        {
            throw new UserErrorException($"--fd {number} isn't a connected socket: {e.Message}", "let the VMM's manager pass one, or use --socket-path");
        }
    }
}
