// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Core.Buffers;

/// <summary>A pixel format as DRM names it: four letters in a u32, first letter lowest. Prints as "XR24". Source: <c>drm_fourcc.h</c>.</summary>
/// <param name="Fourcc">The number.</param>
public readonly record struct DrmFormat(uint Fourcc)
{
    /// <summary>B G R X in memory, opaque. What Linux guests scan out.</summary>
    public static readonly DrmFormat Xrgb8888 = FromLetters("XR24");

    /// <summary>B G R A in memory.</summary>
    public static readonly DrmFormat Argb8888 = FromLetters("AR24");

    /// <summary>R G B X in memory, opaque.</summary>
    public static readonly DrmFormat Xbgr8888 = FromLetters("XB24");

    /// <summary>R G B A in memory.</summary>
    public static readonly DrmFormat Abgr8888 = FromLetters("AB24");

    /// <summary>X B G R in memory, opaque.</summary>
    public static readonly DrmFormat Rgbx8888 = FromLetters("RX24");

    /// <summary>A B G R in memory.</summary>
    public static readonly DrmFormat Rgba8888 = FromLetters("RA24");

    /// <summary>X R G B in memory, opaque.</summary>
    public static readonly DrmFormat Bgrx8888 = FromLetters("BX24");

    /// <summary>A R G B in memory.</summary>
    public static readonly DrmFormat Bgra8888 = FromLetters("BA24");

    /// <summary>The format of the same layout whose fourth byte is ignored: a screen is opaque whatever the guest leaves in alpha.</summary>
    public DrmFormat Opaque =>
        this == Argb8888 ? Xrgb8888 : this == Abgr8888 ? Xbgr8888 : this == Rgba8888 ? Rgbx8888 : this == Bgra8888 ? Bgrx8888 : this;

    /// <summary>Makes a format from its four letters.</summary>
    /// <param name="letters">Four ASCII characters, such as "XR24".</param>
    public static DrmFormat FromLetters(string letters)
    {
        ArgumentNullException.ThrowIfNull(letters);
        return letters.Length == 4
            ? new DrmFormat(letters[0] | ((uint)letters[1] << 8) | ((uint)letters[2] << 16) | ((uint)letters[3] << 24))
            : throw new ArgumentException("a fourcc has four letters", nameof(letters));
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        Span<char> letters = [(char)(Fourcc & 255), (char)((Fourcc >> 8) & 255), (char)((Fourcc >> 16) & 255), (char)(Fourcc >> 24)];
        foreach (var c in letters)
        {
            if (c is < ' ' or > '~')
                return $"0x{Fourcc:x8}";
        }

        return new string(letters);
    }
}

/// <summary>How a buffer's pixels are laid out in memory. Prints as "LINEAR", "X_TILED", "AMD:0x1". Source: <c>drm_fourcc.h</c>.</summary>
/// <param name="Value">Vendor in the top byte.</param>
public readonly record struct DrmModifier(ulong Value)
{
    /// <summary>Rows one after the other: what guest memory is.</summary>
    public static readonly DrmModifier Linear = new(0);

    /// <summary>"Ask the driver": never sent for guest memory.</summary>
    public static readonly DrmModifier Invalid = new(0x00ff_ffff_ffff_ffff);

    /// <summary>Blocks of 512 bytes by 8 rows: what Intel's screens have always scanned out.</summary>
    public static readonly DrmModifier IntelXTiled = new(0x0100_0000_0000_0001);

    /// <inheritdoc/>
    public override string ToString() => Value switch
    {
        0 => "LINEAR",
        0x00ff_ffff_ffff_ffff => "INVALID",
        0x0100_0000_0000_0001 => "X_TILED",
        0x0100_0000_0000_0002 => "Y_TILED",
        0x0100_0000_0000_0003 => "Yf_TILED",
        0x0100_0000_0000_0009 => "4_TILED",
        0x0700_0000_0000_0001 => "VC4_T_TILED",
        _ => $"{Vendor}:0x{Value & 0x00ff_ffff_ffff_ffff:x}",
    };

    private string Vendor => (Value >> 56) switch
    {
        0x01 => "INTEL",
        0x02 => "AMD",
        0x03 => "NVIDIA",
        0x04 => "SAMSUNG",
        0x05 => "QCOM",
        0x06 => "VIVANTE",
        0x07 => "BROADCOM",
        0x08 => "ARM",
        0x09 => "ALLWINNER",
        0x0a => "AMLOGIC",
        0x0b => "MTK",
        0x0c => "APPLE",
        var other => $"0x{other:x2}",
    };
}
