// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.Screenshots;

// lab-shot DISPLAY OUT.png: what the compositor shows. Prints size and CRC-32 over the pixels' R, G and B bytes, as the lab's guests do on GS-HOLD lines.
if (args.Length != 2)
{
    Console.Error.WriteLine("usage: lab-shot WAYLAND-SOCKET OUT.png");
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
