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

/// <summary>How a buffer's pixels are laid out in memory. Prints as "LINEAR". Source: <c>drm_fourcc.h</c>.</summary>
/// <param name="Value">Vendor in the top byte.</param>
public readonly record struct DrmModifier(ulong Value)
{
    /// <summary>Rows one after the other: what guest memory is.</summary>
    public static readonly DrmModifier Linear = new(0);

    /// <summary>"Ask the driver": never sent for guest memory.</summary>
    public static readonly DrmModifier Invalid = new(0x00ff_ffff_ffff_ffff);

    /// <inheritdoc/>
    public override string ToString() => this == Linear ? "LINEAR" : this == Invalid ? "INVALID" : $"0x{Value:x16}";
}
