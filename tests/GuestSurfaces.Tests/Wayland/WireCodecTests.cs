// SPDX-License-Identifier: MIT
using System.Text;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Wayland;

public sealed class WireCodecTests
{
    private readonly byte[] _buffer = new byte[WireLimits.MaxMessageBytes];

    [Fact]
    public void A_message_looks_as_the_specification_says()
    {
        Array.Fill(_buffer, (byte)0xEE);
        var writer = new WireWriter(_buffer, 3, 7);
        writer.WriteInt(-2);
        writer.WriteString("hey");
        writer.WriteString("four");
        writer.WriteString(null);
        writer.WriteArray([1, 2, 3, 4, 5]);
        writer.WriteFixed(WlFixed.FromDouble(-1.5));
        Assert.Equal(WireError.None, writer.Finish(out var size));
        byte[] expected =
        [
            3, 0, 0, 0, 7, 0, 52, 0,
            0xFE, 0xFF, 0xFF, 0xFF,
            4, 0, 0, 0, (byte)'h', (byte)'e', (byte)'y', 0,
            5, 0, 0, 0, (byte)'f', (byte)'o', (byte)'u', (byte)'r', 0, 0, 0, 0,
            0, 0, 0, 0,
            5, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0,
            0x80, 0xFE, 0xFF, 0xFF,
        ];
        Assert.Equal(expected, _buffer[..size]);
    }

    [Fact]
    public void A_message_that_is_too_long_is_not_written()
    {
        var writer = new WireWriter(_buffer, 1, 0);
        writer.WriteArray(new byte[WireLimits.MaxMessageBytes - 12]);
        Assert.Equal(WireError.None, writer.Finish(out var size));
        Assert.Equal(WireLimits.MaxMessageBytes, size);

        writer = new WireWriter(_buffer, 1, 0);
        writer.WriteArray(new byte[WireLimits.MaxMessageBytes - 11]);
        writer.WriteInt(1);
        Assert.Equal(WireError.TooLong, writer.Finish(out size));
        Assert.Equal(0, size);

        writer = new WireWriter(_buffer, 1, 0);
        writer.WriteString(new string('x', 100_000));
        Assert.Equal(WireError.TooLong, writer.Finish(out _));
    }

    [Fact]
    public void A_string_with_nul_inside_is_not_sent()
    {
        var writer = new WireWriter(_buffer, 1, 0);
        writer.WriteString("a\0b");
        Assert.Equal(WireError.EmbeddedNul, writer.Finish(out _));
        writer = new WireWriter(_buffer, 1, 0);
        writer.WriteUtf8("a\0"u8);
        Assert.Equal(WireError.EmbeddedNul, writer.Finish(out _));
    }

    [Theory]
    [InlineData("04000000 61626364", "s", nameof(WireError.UnterminatedString))]
    [InlineData("04000000 61626300", "s", nameof(WireError.None))]
    [InlineData("01000000 00000000", "s", nameof(WireError.None))]
    [InlineData("00000000", "s", nameof(WireError.UnexpectedNull))]
    [InlineData("00000000", "?s", nameof(WireError.None))]
    [InlineData("05000000 61626300", "s", nameof(WireError.Truncated))]
    [InlineData("ffffffff 61626300", "s", nameof(WireError.Truncated))]
    [InlineData("fdffffff", "a", nameof(WireError.Truncated))]
    [InlineData("00000000", "a", nameof(WireError.None))]
    [InlineData("00000000", "o", nameof(WireError.UnexpectedNull))]
    [InlineData("00000000", "n", nameof(WireError.UnexpectedNull))]
    [InlineData("00000000", "?o", nameof(WireError.None))]
    [InlineData("", "i", nameof(WireError.Truncated))]
    [InlineData("0000", "i", nameof(WireError.Truncated))]
    [InlineData("00000000 00000000", "i", nameof(WireError.TrailingBytes))]
    [InlineData("01000000", "ih", nameof(WireError.None))]
    public void A_body_is_checked_against_its_signature(string hex, string signature, string expected)
    {
        var body = Convert.FromHexString(hex.Replace(" ", string.Empty));
        Assert.Equal(expected, MessageWalker.Check(new WaylandMessage("test", signature, 1, false, null, null), body).ToString());
    }

    [Fact]
    public void The_first_error_sticks()
    {
        var reader = new WireReader(new byte[4]);
        Assert.True(reader.ReadString(nullable: false).IsEmpty);
        Assert.Equal(0u, reader.ReadUInt());
        Assert.Null(reader.ReadFd());
        Assert.False(reader.Complete());
        Assert.Equal(WireError.UnexpectedNull, reader.Error);
    }

    [Fact]
    public void A_descriptor_that_did_not_come_is_an_error()
    {
        var reader = new WireReader([]);
        Assert.Null(reader.ReadFd());
        Assert.Equal(WireError.MissingFd, reader.Error);
    }

    [Fact]
    public void A_string_ends_at_its_first_nul()
    {
        var reader = new WireReader([4, 0, 0, 0, (byte)'a', 0, (byte)'b', 0]);
        Assert.Equal("a", Encoding.UTF8.GetString(reader.ReadString(nullable: false)));
        Assert.True(reader.Complete());
    }

    [Theory]
    [InlineData(0.5, 128)]
    [InlineData(-0.5, -128)]
    [InlineData(1e9, int.MaxValue)]
    [InlineData(-1e9, int.MinValue)]
    public void Fixed_point_rounds_and_saturates(double value, int raw) => Assert.Equal(raw, WlFixed.FromDouble(value).Raw);

    [Fact]
    public void Tables_know_descriptors_destructors_and_new_objects()
    {
        var parameters = WaylandInterfaces.Find("zwp_linux_buffer_params_v1")!;
        Assert.Equal("huuuuu", parameters.Requests[1].Signature);
        Assert.Equal(1, parameters.Requests[1].FdCount);
        Assert.Equal("wl_buffer", parameters.Events[0].NewIdInterface);
        Assert.Equal(0, parameters.PlainDestructor);
        Assert.Equal("usun", WaylandInterfaces.WlRegistry.Requests[0].Signature);
        Assert.Null(WaylandInterfaces.WlRegistry.Requests[0].NewIdInterface);
        Assert.Equal(-1, WaylandInterfaces.WlSeat.PlainDestructor);
        Assert.True(WaylandInterfaces.WlCallback.Events[0].IsDestructor);
        Assert.Equal("?oii", WaylandInterfaces.WlSurface.Requests[1].Signature);
        Assert.Equal(["wl_buffer"], WaylandInterfaces.WlSurface.Requests[1].Types);
        Assert.Null(WaylandInterfaces.Find("wl_nothing"));
    }
}
