// SPDX-License-Identifier: MIT
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Wayland;

public sealed class WirePropertyTests
{
    [Fact]
    public void What_is_written_is_read_back() =>
        Prop.ForAll<Tuple<int, uint, int>, NonNull<string>, byte[]>((numbers, text, bytes) =>
        {
            var (number, unsigned, raw) = numbers;
            var buffer = new byte[WireLimits.MaxMessageBytes];
            var expected = text.Get.Replace("\0", string.Empty, StringComparison.Ordinal);
            var array = bytes ?? [];
            var writer = new WireWriter(buffer, unsigned, number);
            writer.WriteInt(number);
            writer.WriteUInt(unsigned);
            writer.WriteString(expected);
            writer.WriteArray(array);
            writer.WriteFixed(new WlFixed(raw));
            if (writer.Finish(out var size) != WireError.None)
                return size == 0;

            var header = WireHeader.TryRead(buffer, out var read) == WireError.None ? read : default;
            var reader = new WireReader(buffer.AsSpan(WireLimits.HeaderBytes..size));
            return header == new WireHeader(unsigned, (ushort)number, size)
                && size % 4 == 0
                && reader.ReadInt() == number
                && reader.ReadUInt() == unsigned
                && reader.ReadString(nullable: false).SequenceEqual(Encoding.UTF8.GetBytes(expected))
                && reader.ReadArray().SequenceEqual(array)
                && reader.ReadFixed().Raw == raw
                && reader.Complete();
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_bytes_are_either_read_exactly_or_refused() =>
        Prop.ForAll<byte[]>(bytes =>
        {
            var body = bytes ?? [];
            foreach (var type in WaylandInterfaces.All)
            {
                foreach (var message in type.Requests)
                {
                    var error = MessageWalker.Check(message, body);
                    if (error == WireError.None && body.Length % 4 != 0)
                        return false;
                }
            }

            return true;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Fixed_point_survives_the_way_through_double() =>
        Prop.ForAll<int>(raw => WlFixed.FromDouble(new WlFixed(raw).ToDouble()).Raw == raw).QuickCheckThrowOnFailure();
}
