// SPDX-License-Identifier: MIT
using GuestSurfaces.Lab;
using GuestSurfaces.Testing.Screenshots;

// lab-shot DISPLAY OUT.png: what the compositor shows. Prints size and CRC-32 over the pixels' R, G and B bytes, as the lab's guests do on GS-HOLD lines.
// lab-shot udmabuf: whether this machine's /dev/udmabuf does what the direct rung builds on.
// lab-shot fences: whether its dma-bufs tell about their fences what the presenter builds on.
if (args is ["udmabuf"])
    return UdmabufCheck.Run();
if (args is ["fences"])
    return FenceCheck.Run();
if (args.Length != 2)
{
    Console.Error.WriteLine("usage: lab-shot WAYLAND-SOCKET OUT.png | lab-shot udmabuf | lab-shot fences");
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
