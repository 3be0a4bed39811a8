// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Cli.Present;

namespace GuestSurfaces.Cli.Commands;

/// <summary><c>guest-surfaces attach</c>: shows what something else has started, a VMM's guest or a program's pictures.</summary>
internal static class AttachCommand
{
    public static Command Create() => new("attach", "Show a guest, or a program's pictures, that something else has started.") { CreateVhostUser(), CreateLink() };

    private static DetailedCommand CreateVhostUser()
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
              With a keyboard: --keyboard /run/user/1000/keys.sock, and for QEMU -chardev socket,id=keys,path=/run/user/1000/keys.sock -device vhost-user-input-pci,chardev=keys
              crosvm run … --vhost-user type=gpu,socket=/run/user/1000/vm.sock
            """)
        {
            socketPath, once, common.Name, common.Fullscreen, common.Outputs, common.Size, common.Stats, common.Note, common.NoDisplay, common.Link, common.LinkMode, common.LinkGroup,
            common.Keyboard, common.Pointer, common.Mouse, common.Touch, common.Tablet, common.GrabChord,
            common.ZeroCopy, common.Alias2D, common.Convert, common.NoResize, common.Policy, common.Sync, common.Verbose,
        };
        vhostUser.SetAction(result =>
        {
            var options = common.Read(result);
            using var host = new GuestHost(options) { EndsWithFrontend = result.GetValue(once), EndsWithWindow = !options.ServesLink };
            host.ListenVhostUser(result.GetValue(socketPath)!);
            host.Run();
            host.WriteStats();
            return 0;
        });
        return vhostUser;
    }

    private static DetailedCommand CreateLink()
    {
        var common = new ViewerOptions();
        var socketPath = new Argument<string>("socket") { Description = "Listen here; programs connect.", HelpName = "SOCKET" };
        var once = new Option<bool>("--once") { Description = "End when the first program has gone, instead of waiting for the next one." };
        var link = new DetailedCommand(
            "link",
            "Show the pictures of any program that has dma-bufs or memfds.",
            """
            The program connects to SOCKET and speaks the link, which docs/link.md describes; docs/examples/link-source.c is such a program in C. One is shown at a time.
            When it goes, its windows stay for the grace time, and the next program takes them over.

              guest-surfaces attach link /run/user/1000/pictures.link &
              gcc -o link-source docs/examples/link-source.c && ./link-source /run/user/1000/pictures.link
            """)
        {
            socketPath, once, common.Name, common.Fullscreen, common.Placement, common.Output, common.IviId, common.Grace, common.GrabChord, common.Convert, common.NoResize, common.Policy, common.Sync, common.Verbose,
        };
        link.SetAction(result =>
        {
            var isOnce = result.GetValue(once);
            var options = common.Read(result) with { EndsWithSource = isOnce };
            using var host = new PresentHost(isOnce ? options with { GraceNs = 0 } : options, (loop, opened) => new LinkAcceptor(loop, result.GetValue(socketPath)!, opened));
            host.Run();
            return host.ExitCode;
        });
        return link;
    }
}
