// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli.Hosting;
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
        var command = new DetailedCommand(
            "device",
            "Be a vhost-user GPU back-end that libvirt and its like start.",
            """
            QEMU's conventions for back-end programs: one of --socket-path and --fd; stays in the foreground; ends on SIGTERM, and when the VMM disconnects.
            It shows nothing itself: viewers come and go, and the VM doesn't notice. In a session: guest-surfaces present NAME (NAME as --name says).

              guest-surfaces device --name work --socket-path /run/user/1000/vm.sock &
              guest-surfaces present work
            """)
        {
            socketPath, fd, capabilities, common.Name, common.Fullscreen, common.Outputs, common.Size, common.Stats, common.Note, common.NoDisplay, common.Link, window,
            common.ZeroCopy, common.Alias2D, common.Verbose,
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
            using var host = new GuestHost(options) { EndsWithFrontend = true, EndsWithWindow = isOneProcess };
            if (path is not null)
                host.ListenVhostUser(path);
            else
                Serve(host, number!.Value);
            host.Run();
            host.WriteStats();
            return 0;
        });
        return command;
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
