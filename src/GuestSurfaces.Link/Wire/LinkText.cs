// SPDX-License-Identifier: MIT
using System.Text;
using System.Text.Unicode;

namespace GuestSurfaces.Link.Wire;

/// <summary>Texts as they lie in a packet: a u16 length in bytes, UTF-8, zeroes up to a multiple of 8.</summary>
internal static class LinkText
{
    private const int LengthBytes = sizeof(ushort);

    /// <summary>How much room a text may need.</summary>
    /// <param name="maxBytes">The longest text.</param>
    public static int MaxBytes(int maxBytes) => Padded(LengthBytes + maxBytes);

    /// <summary>Writes a text; what is too long is cut between two characters.</summary>
    /// <param name="room">At least <see cref="MaxBytes"/>.</param>
    /// <param name="text">Unpaired surrogates become U+FFFD.</param>
    /// <param name="maxBytes">Of UTF-8.</param>
    /// <returns>How many bytes were written, padding included.</returns>
    public static int Write(Span<byte> room, string text, int maxBytes)
    {
        _ = Utf8.FromUtf16(text, room.Slice(LengthBytes, maxBytes), out _, out var length, replaceInvalidSequences: true);
        BitConverter.TryWriteBytes(room, (ushort)length);
        var end = Padded(LengthBytes + length);
        room[(LengthBytes + length)..end].Clear();
        return end;
    }

    /// <summary>Reads a text. What isn't UTF-8 becomes U+FFFD, and so do control characters: it ends in a log or a title.</summary>
    /// <param name="body">What is left of a message.</param>
    /// <param name="maxBytes">The longest allowed.</param>
    /// <param name="text">The text.</param>
    /// <param name="usedBytes">How many bytes it took, padding included.</param>
    /// <returns>False if it is too long, or longer than what is there.</returns>
    public static bool TryRead(ReadOnlySpan<byte> body, int maxBytes, out string text, out int usedBytes)
    {
        text = string.Empty;
        usedBytes = 0;
        if (body.Length < LengthBytes)
            return false;
        var length = BitConverter.ToUInt16(body);
        if (length > maxBytes || Padded(LengthBytes + length) > body.Length)
            return false;
        usedBytes = Padded(LengthBytes + length);
        text = Printable(Encoding.UTF8.GetString(body.Slice(LengthBytes, length)));
        return true;
    }

    private static int Padded(int bytes) => (bytes + 7) & ~7;

    private static string Printable(string text) =>
        text.Any(char.IsControl) ? string.Create(text.Length, text, static (to, from) =>
        {
            for (var i = 0; i < to.Length; i++)
                to[i] = char.IsControl(from[i]) ? '\ufffd' : from[i];
        }) : text;
}
