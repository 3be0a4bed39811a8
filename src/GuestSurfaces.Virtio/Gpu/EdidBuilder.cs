// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using GuestSurfaces.Core.Sessions;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// Writes a monitor's EDID: the 1.4 base block, and a DisplayID extension if the mode doesn't fit a detailed timing.
/// Source: VESA E-EDID 1.4 §3, DisplayID 1.3 §4.4.
/// </summary>
internal static class EdidBuilder
{
    public const int BlockBytes = 128;

    /// <summary>"GSF", five bits a letter.</summary>
    private const ushort Manufacturer = (('G' - '@') << 10) | (('S' - '@') << 5) | ('F' - '@');
    private const byte DetailedTimingRangeLimits = 0xfd;
    private const byte MonitorName = 0xfc;
    private const byte DummyDescriptor = 0x10;

    private static ReadOnlySpan<byte> Header => [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0];

    /// <summary>sRGB's primaries and white point, ten bits each.</summary>
    private static ReadOnlySpan<byte> Srgb => [0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54];

    /// <summary>Builds an EDID.</summary>
    /// <param name="destination">At least two blocks, zeroed.</param>
    /// <param name="mode">The preferred and only native mode.</param>
    /// <param name="scanout">Makes the serial number.</param>
    /// <returns>How many bytes: one or two blocks.</returns>
    public static int Build(Span<byte> destination, in OutputMode mode, int scanout)
    {
        var timing = new DisplayTiming(in mode);
        var block = destination[..BlockBytes];
        Header.CopyTo(block);
        BinaryPrimitives.WriteUInt16BigEndian(block[8..], Manufacturer);
        BinaryPrimitives.WriteUInt16LittleEndian(block[10..], 1); // product
        BinaryPrimitives.WriteInt32LittleEndian(block[12..], scanout + 1); // serial number: guests tell monitors apart by it
        block[17] = 36; // made in 2026
        block[18] = 1;
        block[19] = 4;
        block[20] = 0xa5; // digital, 8 bits a colour, DisplayPort
        block[21] = (byte)Math.Clamp((timing.WidthMm + 5) / 10, 1, 255);
        block[22] = (byte)Math.Clamp((timing.HeightMm + 5) / 10, 1, 255);
        block[23] = 120; // gamma 2.2
        block[24] = 0x06; // sRGB, the first timing is native
        Srgb.CopyTo(block[25..]);
        block[35] = 0x21; // 640x480 and 800x600 at 60 Hz
        block[36] = 0x08; // 1024x768 at 60 Hz
        block[38..54].Fill(1); // no standard timings

        if (timing.FitsDescriptor)
            WriteTiming(block[54..], in timing);
        else
            block[57] = DummyDescriptor; // a wrong preferred timing would be worse than none
        WriteRangeLimits(block[72..], in timing);
        WriteName(block[90..]);
        block[111] = DummyDescriptor;
        block[126] = timing.FitsDescriptor ? (byte)0 : (byte)1;
        block[127] = Checksum(block[..127]);
        if (timing.FitsDescriptor)
            return BlockBytes;
        WriteDisplayId(destination.Slice(BlockBytes, BlockBytes), in timing);
        return 2 * BlockBytes;
    }

    /// <summary>What makes the bytes add up to 0.</summary>
    public static byte Checksum(ReadOnlySpan<byte> bytes)
    {
        byte sum = 0;
        foreach (var b in bytes)
            sum += b;
        return (byte)-sum;
    }

    private static void WriteTiming(Span<byte> d, in DisplayTiming timing)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(d, (ushort)timing.Clock10Khz);
        d[2] = (byte)timing.Width;
        d[3] = DisplayTiming.HorizontalBlank;
        d[4] = (byte)((timing.Width >> 8) << 4);
        d[5] = (byte)timing.Height;
        d[6] = (byte)timing.VerticalBlank;
        d[7] = (byte)(((timing.Height >> 8) << 4) | (timing.VerticalBlank >> 8));
        d[8] = DisplayTiming.HorizontalFront;
        d[9] = DisplayTiming.HorizontalSync;
        d[10] = (DisplayTiming.VerticalFront << 4) | DisplayTiming.VerticalSync;
        var widthMm = Math.Min(timing.WidthMm, 4095);
        var heightMm = Math.Min(timing.HeightMm, 4095);
        d[12] = (byte)widthMm;
        d[13] = (byte)heightMm;
        d[14] = (byte)(((widthMm >> 8) << 4) | (heightMm >> 8));
        d[17] = 0x1a; // digital separate sync, horizontal positive: reduced blanking
    }

    private static void WriteRangeLimits(Span<byte> d, in DisplayTiming timing)
    {
        const byte verticalMaxPlus255 = 0x02;
        const byte horizontalMaxPlus255 = 0x08;
        var lineKhz = (int)Math.Clamp((timing.LineHz + 999) / 1000, 31, 510);
        var refreshHz = Math.Clamp(timing.RefreshHz, 1, 510);
        d[3] = DetailedTimingRangeLimits;
        d[4] = (byte)((refreshHz > 255 ? verticalMaxPlus255 : 0) | (lineKhz > 255 ? horizontalMaxPlus255 : 0));
        d[5] = (byte)Math.Min(refreshHz, 50);
        d[6] = (byte)(refreshHz > 255 ? refreshHz - 255 : Math.Max(refreshHz, 60)); // the established timings have 60 Hz
        d[7] = 30;
        d[8] = (byte)(lineKhz > 255 ? lineKhz - 255 : Math.Max(lineKhz, 49)); // 1024x768 has 48.4 kHz
        d[9] = (byte)Math.Clamp((timing.Clock10Khz + 999) / 1000, 7, 255); // in 10 MHz
        d[10] = 1; // only limits, no formula
        d[11] = (byte)'\n';
        d[12..18].Fill((byte)' ');
    }

    private static void WriteName(Span<byte> d)
    {
        d[3] = MonitorName;
        "GuestSurfaces"u8.CopyTo(d[5..]); // thirteen letters: exactly the room
    }

    private static void WriteDisplayId(Span<byte> block, in DisplayTiming timing)
    {
        const byte displayIdExtension = 0x70;
        const byte typeOneTiming = 0x03;
        const int timingBytes = 20;
        block[0] = displayIdExtension;
        block[1] = 0x13; // 1.3
        block[2] = 121; // the whole block
        block[3] = 3; // a desktop display
        var data = block[5..];
        data[0] = typeOneTiming;
        data[2] = timingBytes;
        var d = data[3..];
        var clock = timing.Clock10Khz - 1;
        d[0] = (byte)clock;
        d[1] = (byte)(clock >> 8);
        d[2] = (byte)(clock >> 16);
        d[3] = 0x88; // preferred; aspect ratio undefined
        WriteMinusOne(d[4..], timing.Width);
        WriteMinusOne(d[6..], DisplayTiming.HorizontalBlank);
        WriteMinusOne(d[8..], DisplayTiming.HorizontalFront, positive: true);
        WriteMinusOne(d[10..], DisplayTiming.HorizontalSync);
        WriteMinusOne(d[12..], timing.Height);
        WriteMinusOne(d[14..], timing.VerticalBlank);
        WriteMinusOne(d[16..], DisplayTiming.VerticalFront);
        WriteMinusOne(d[18..], DisplayTiming.VerticalSync);
        block[126] = Checksum(block[1..126]);
        block[127] = Checksum(block[..127]);
    }

    private static void WriteMinusOne(Span<byte> destination, int value, bool positive = false) =>
        BinaryPrimitives.WriteUInt16LittleEndian(destination, (ushort)((value - 1) | (positive ? 0x8000 : 0)));
}
