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
        var command = new DetailedCommand(
            "device",
            "Be a vhost-user GPU back-end that libvirt and its like start.",
            """
            QEMU's conventions for back-end programs: one of --socket-path and --fd; stays in the foreground; ends on SIGTERM, and when the VMM disconnects.
            With WAYLAND_DISPLAY set the guest is shown there; without it the guest runs unseen.
            """)
        {
            socketPath, fd, capabilities, common.Name, common.Fullscreen, common.Outputs, common.Size, common.Stats, common.Note, common.NoDisplay,
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
            if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("WAYLAND_DISPLAY")))
                options = options with { ShowWindows = false };
            var path = result.GetValue(socketPath);
            var number = result.GetValue(fd);
            if (path is null == number is null)
                throw new UserErrorException("device needs either --socket-path or --fd", "for example: guest-surfaces device --socket-path /tmp/gpu.sock");
            using var host = new GuestHost(options) { EndsWithFrontend = true };
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
