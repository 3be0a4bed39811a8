// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli.Hosting;

namespace GuestSurfaces.Cli.Commands;

/// <summary><c>guest-surfaces attach vhost-user</c>: waits for any vhost-user VMM and shows its guest.</summary>
internal static class AttachCommand
{
    public static Command Create()
    {
        var common = new CommonOptions();
        var socketPath = new Option<string>("--socket-path") { Description = "Listen here; the VMM connects.", Required = true, HelpName = "PATH" };
        var once = new Option<bool>("--once") { Description = "End when the VMM disconnects, instead of waiting for the next one." };
        var vhostUser = new DetailedCommand(
            "vhost-user",
            "Serve a virtio-gpu on a socket and show the guest that comes.",
            """
              guest-surfaces attach vhost-user --socket-path /run/user/1000/vm.sock &
              qemu-system-x86_64 … -object memory-backend-memfd,id=m,size=4G,share=on -machine memory-backend=m \
                  -chardev socket,id=gpu,path=/run/user/1000/vm.sock -device vhost-user-gpu-pci,chardev=gpu -vga none -display none
              crosvm run … --vhost-user type=gpu,socket=/run/user/1000/vm.sock
            """)
        {
            socketPath, once, common.Name, common.Fullscreen, common.Outputs, common.Size, common.Stats, common.Note, common.NoDisplay,
            common.ZeroCopy, common.Alias2D, common.Verbose,
        };
        vhostUser.SetAction(result =>
        {
            using var host = new GuestHost(common.Read(result)) { EndsWithFrontend = result.GetValue(once) };
            host.ListenVhostUser(result.GetValue(socketPath)!);
            host.Run();
            host.WriteStats();
            return 0;
        });
        return new Command("attach", "Show a guest that something else has started.") { vhostUser };
    }
}
