// SPDX-License-Identifier: MIT
using System.Buffers.Binary;

namespace GuestSurfaces.Testing.Fuzzing;

/// <summary>Makes new inputs out of old ones. The same seed makes the same inputs.</summary>
public sealed class Mutator(int seed)
{
    private static readonly ulong[] s_interesting =
    [
        0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 40, 255, 256, 257, 4095, 4096, 4097, 32767, 32768, 65535, 65536, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, uint.MaxValue,
        1UL << 32, 1UL << 63, ulong.MaxValue - 4095, ulong.MaxValue - 15, ulong.MaxValue,
    ];

    private readonly Random _random = new(seed);

    /// <summary>Picks an input and changes it in one to eight places.</summary>
    /// <param name="corpus">At least one.</param>
    /// <param name="maxBytes">Results are cut to this.</param>
    public byte[] Next(IReadOnlyList<byte[]> corpus, int maxBytes)
    {
        List<byte> bytes = [.. corpus[_random.Next(corpus.Count)]];
        for (var n = _random.Next(1, 9); n > 0; n--)
            Change(bytes, corpus);
        if (bytes.Count > maxBytes)
            bytes.RemoveRange(maxBytes, bytes.Count - maxBytes);
        return [.. bytes];
    }

    private void Change(List<byte> bytes, IReadOnlyList<byte[]> corpus)
    {
        if (bytes.Count == 0)
        {
            bytes.Add((byte)_random.Next(256));
            return;
        }

        var at = _random.Next(bytes.Count);
        var length = Math.Min(_random.Next(1, 65), bytes.Count - at);
        switch (_random.Next(8))
        {
            case 0:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)_random.Next(256);
                break;
            case 2:
                bytes.RemoveRange(at, length);
                break;
            case 3:
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            case 4:
                var other = corpus[_random.Next(corpus.Count)];
                if (other.Length > 0)
                    bytes.InsertRange(at, other[_random.Next(other.Length)..]);
                break;
            default:
                Overwrite(bytes, at);
                break;
        }
    }

    // Numbers sit at multiples of four more often than not.
    private void Overwrite(List<byte> bytes, int at)
    {
        at = _random.Next(4) == 0 ? at : at & ~3;
        Span<byte> number = stackalloc byte[8];
        var value = s_interesting[_random.Next(s_interesting.Length)];
        BinaryPrimitives.WriteUInt64LittleEndian(number, _random.Next(4) == 0 ? value + (ulong)_random.Next(-2, 3) : value);
        var width = 1 << _random.Next(4);
        for (var i = 0; i < width && at + i < bytes.Count; i++)
            bytes[at + i] = number[i];
    }
}
