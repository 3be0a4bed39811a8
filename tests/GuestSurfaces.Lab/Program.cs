// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Lab;
using GuestSurfaces.Testing.Screenshots;

// lab-shot DISPLAY OUT.png: what the compositor shows. Prints size and CRC-32 over the pixels' R, G and B bytes, as the lab's guests do on GS-HOLD lines.
// lab-shot udmabuf: whether this machine's /dev/udmabuf does what the direct rung builds on.
// lab-shot convert: whether EGL does what the convert rung builds on, without a DRM device.
// lab-shot fences: whether its dma-bufs tell about their fences what the presenter builds on.
// lab-shot shapes DISPLAY [NAME...]: framebuffers of awkward shapes, to a compositor's screen.
// lab-shot protect SOCKET DISPLAY direct|copy [fullscreen]: a back-end that can't touch its guest's framebuffers, and a control that dies of trying.
// lab-shot isolation FOLDER [off]: whether a device's process can't do what it should not, and a control that can.
// lab-shot flips DISPLAY full|WIDTHxHEIGHT FLIPS PATIENCE-MS [control]: whether a screen, by its own checksums, ever shows what a guest is still drawing; the control must.
// lab-shot late DISPLAY full|WIDTHxHEIGHT acquire|control|release: fences that come late; by the same checksums nothing is shown before.
// lab-shot pauses DISPLAY SECONDS [NAME HIDE SHOW]...: a guest that flips while it isn't seen; HIDE and SHOW are commands for a shell.
// lab-shot kills FOLDER PRESENTERS COMPOSITORS COMMAND...: kills what shows a flipping guest; COMMAND starts the compositor once more.
switch (args)
{
    case ["udmabuf"]:
        return UdmabufCheck.Run();
    case ["fences"]:
        return FenceCheck.Run();
    case ["convert"]:
        return ConvertCheck.Run();
    case ["shapes", var display, .. var names]:
        return ShapeCheck.Run(display, names);
    case ["protect", var socket, var screen, "direct" or "copy", ..]:
        return ProtectedGuest.Run(socket, screen, args[3] == "copy", args is [.., "fullscreen"]);
    case ["isolation", var folder, .. var mode]:
        return IsolationCheck.Run(folder, mode is [var one] ? one : "");
    case ["kills", var folder, var presenters, var compositors, .. { Length: > 0 } again]:
        return KillCheck.Run(folder, int.Parse(presenters, CultureInfo.InvariantCulture), int.Parse(compositors, CultureInfo.InvariantCulture), again);
    case ["flips", var socket, var window, var flips, var patienceMs, .. var mode] when mode is [] or ["control"]:
        return FlipCheck.Run(socket, int.Parse(flips, CultureInfo.InvariantCulture), window, int.Parse(patienceMs, CultureInfo.InvariantCulture), mode is ["control"]);
    case ["late", var socket, var window, "acquire" or "control" or "release"]:
        return LateCheck.Run(socket, window, args[3]);
    case ["pauses", var socket, var seconds, .. var ways]:
        return PauseCheck.Run(socket, int.Parse(seconds, CultureInfo.InvariantCulture), ways);
    case [_, _]:
        break;
    default:
        Console.Error.WriteLine(
            "usage: lab-shot WAYLAND-SOCKET OUT.png | lab-shot udmabuf | lab-shot convert | lab-shot fences | lab-shot shapes WAYLAND-SOCKET [NAME...]"
            + " | lab-shot isolation FOLDER [off] | lab-shot protect SOCKET WAYLAND-SOCKET direct|copy [fullscreen] | lab-shot flips WAYLAND-SOCKET full|WxH FLIPS PATIENCE-MS [control] | lab-shot late WAYLAND-SOCKET full|WxH acquire|control|release | lab-shot pauses WAYLAND-SOCKET SECONDS [NAME HIDE SHOW]... | lab-shot kills FOLDER PRESENTERS COMPOSITORS COMMAND...");
        return 2;
}

try
{
    var picture = Screenshot.Take(args[0]);
    picture.WritePng(args[1]);
    Console.WriteLine($"SHOT mode={picture.Width}x{picture.Height} crc={picture.Crc:x8}");
    return 0;
}
catch (Exception e) when (e is IOException or TimeoutException or NotSupportedException)
{
    Console.Error.WriteLine($"lab-shot: {e.Message}");
    return 1;
}
