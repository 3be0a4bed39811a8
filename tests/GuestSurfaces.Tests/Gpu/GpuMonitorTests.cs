// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Virtio.Gpu;
using Xunit;

namespace GuestSurfaces.Tests.Gpu;

/// <summary>Modes, EDIDs, and the configuration space that announces them.</summary>
public sealed class GpuMonitorTests : IDisposable
{
    private readonly GpuHarness _gpu = new();

    public void Dispose() => _gpu.Dispose();

    [Fact]
    public void The_configuration_has_16_bytes_and_names_the_scanouts()
    {
        var config = new byte[_gpu.Device.ConfigSizeBytes];
        _gpu.Device.ReadConfig(config);
        Assert.Equal([0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0], config);
        Assert.Equal((16u, 2), (_gpu.Device.DeviceId, _gpu.Device.QueueCount));
    }

    [Fact]
    public void A_window_dragged_through_many_sizes_is_one_event()
    {
        for (var i = 0; i < 50; i++)
        {
            _gpu.Device.SetMode(0, Mode(1000 + i, 700));
            _gpu.Run(1_000_000);
        }

        Assert.Equal(0, _gpu.ConfigChanges);
        Assert.Equal((1280, 800, true), Info(0));
        _gpu.Run(100_000_000);
        Assert.Equal(1, _gpu.ConfigChanges);
        Assert.Equal((1049, 700, true), Info(0));
        Assert.Equal(1u, EventsRead());
    }

    [Fact]
    public void Without_a_driver_nobody_is_told_and_the_next_one_finds_the_mode()
    {
        _gpu.Device.StopQueue(0);
        _gpu.Device.SetMode(0, Mode(1024, 768));
        _gpu.Run(100_000_000);
        Assert.Equal(0, _gpu.ConfigChanges);
        Assert.Equal(1u, EventsRead());
    }

    [Fact]
    public void The_driver_clears_the_event_in_pieces_of_any_size()
    {
        _gpu.Device.SetMode(0, Mode(1024, 768));
        _gpu.Run(100_000_000);
        _gpu.Device.WriteConfig(0, [0xff, 0xff, 0xff, 0xff]); // not writable
        _gpu.Device.WriteConfig(5, [0xff, 0xff, 0xff, 0xff]);
        Assert.Equal(1u, EventsRead());
        _gpu.Device.WriteConfig(4, [1]);
        Assert.Equal(0u, EventsRead());
    }

    [Fact]
    public void A_mode_that_changes_nothing_or_makes_no_sense_is_no_event()
    {
        _gpu.Device.SetMode(0, VirtioGpuOptions.DefaultMode);
        _gpu.Device.SetMode(0, Mode(15, 700));
        _gpu.Device.SetMode(0, Mode(16385, 700));
        _gpu.Device.SetMode(4, Mode(800, 600));
        _gpu.Device.SetMode(-1, Mode(800, 600));
        _gpu.Device.SetMode(0, Mode(800, 600));
        _gpu.Device.SetMode(0, VirtioGpuOptions.DefaultMode); // back before anybody looked
        _gpu.Run(1_000_000_000);
        Assert.Equal(0, _gpu.ConfigChanges);
    }

    [Fact]
    public void A_scanout_can_be_plugged_in_and_out()
    {
        _gpu.Device.SetMode(2, Mode(1920, 1080));
        _gpu.Run(100_000_000);
        Assert.Equal((1920, 1080, true), Info(2));
        _gpu.Device.SetMode(2, default);
        _gpu.Run(2_000_000_000); // nothing was ever shown there
        Assert.Equal((0, 0, false), Info(2));
        Assert.Equal(2, _gpu.ConfigChanges);
    }

    [Fact]
    public void The_next_mode_is_announced_when_the_guest_has_followed_the_last_one_and_not_before()
    {
        Show(1, 1280, 800);
        _gpu.Device.SetMode(0, Mode(1024, 700));
        _gpu.Run(100_000_000);
        Assert.Equal(1, _gpu.ConfigChanges);
        _gpu.Device.SetMode(0, Mode(960, 640));
        _gpu.Device.SetMode(0, Mode(896, 600));
        Assert.Equal((1024, 700, true), Info(0)); // it looks, and still shows what it showed
        Show(2, 1280, 800); // a flip
        _gpu.SetScanout(0, 0, default); // drivers do that between two modes
        _gpu.Run(1_000_000_000);
        Assert.Equal(1, _gpu.ConfigChanges);
        Show(3, 1024, 700);
        _gpu.Run(100_000_000);
        Assert.Equal(2, _gpu.ConfigChanges);
        Assert.Equal((896, 600, true), Info(0)); // the latest wins
    }

    [Fact]
    public void A_guest_that_rounds_a_mode_has_followed_it_and_one_that_stays_is_not_waited_for_without_end()
    {
        Show(1, 1280, 800);
        _gpu.Device.SetMode(0, Mode(1366, 768));
        _gpu.Run(100_000_000);
        _gpu.Device.SetMode(0, Mode(1400, 768));
        _ = Info(0);
        Show(2, 1360, 768);
        _gpu.Run(100_000_000);
        Assert.Equal(2, _gpu.ConfigChanges);
        _gpu.Device.SetMode(0, Mode(1500, 768));
        _gpu.Run(1_800_000_000);
        Assert.Equal(2, _gpu.ConfigChanges);
        _gpu.Run(300_000_000);
        Assert.Equal(3, _gpu.ConfigChanges);
    }

    [Fact]
    public void A_mode_without_a_size_changes_what_is_around_it()
    {
        _gpu.Device.SetMode(0, new OutputMode(default, 144_000, 400, 250, Enabled: true));
        _gpu.Run(100_000_000);
        Assert.Equal((1280, 800, true), Info(0));
        Assert.Equal((40, 25), (Edid(0)[21], Edid(0)[22]));
    }

    [Fact]
    public void A_monitor_that_is_plugged_in_again_has_the_size_that_it_had()
    {
        _gpu.Device.SetMode(1, Mode(1024, 700));
        _gpu.Run(100_000_000);
        _gpu.Device.SetMode(1, default);
        _gpu.Run(2_000_000_000);
        Assert.Equal((0, 0, false), Info(1));
        _gpu.Device.SetMode(1, new OutputMode(default, 0, 0, 0, Enabled: true));
        _gpu.Run(2_000_000_000);
        Assert.Equal((1024, 700, true), Info(1));
    }

    [Theory]
    [InlineData(640, 480, 60_000)]
    [InlineData(1280, 800, 60_000)]
    [InlineData(1920, 1080, 59_940)]
    [InlineData(1920, 1080, 144_000)]
    [InlineData(3840, 2160, 60_000)]
    [InlineData(3840, 2160, 144_000)] // the clock doesn't fit 16 bits
    [InlineData(4095, 2160, 30_000)]
    [InlineData(4096, 2160, 60_000)]
    [InlineData(7680, 4320, 60_000)]
    [InlineData(16384, 16384, 240_000)]
    [InlineData(16, 16, 60_000)]
    [InlineData(720, 5000, 0)]
    public void The_preferred_timing_of_an_EDID_is_the_size_in_the_display_info(int width, int height, int milliHz)
    {
        _gpu.Device.SetMode(0, new OutputMode(new BufferSize(width, height), milliHz, 600, 340, true));
        _gpu.Run(100_000_000);
        Assert.Equal((width, height, true), Info(0));
        var edid = Edid(0);
        Assert.Equal([0, 255, 255, 255, 255, 255, 255, 0], edid[..8]);
        for (var block = 0; block < edid.Length; block += 128)
            Assert.Equal(0, edid.AsSpan(block, 128).ToArray().Sum(b => b) & 255);
        Assert.Equal((edid.Length / 128) - 1, edid[126]);

        var wanted = milliHz == 0 ? 60_000 : milliHz;
        var (w, h, hz) = edid.Length == 128 ? BaseTiming(edid.AsSpan(54)) : DisplayIdTiming(edid.AsSpan(128));
        Assert.Equal((width, height), (w, h));
        var precision = width < 100 ? 0.01 : 0.002; // a clock in steps of 10 kHz
        Assert.InRange(hz, wanted * (1 - precision), wanted * (1 + precision));
        if (edid.Length > 128)
            Assert.Equal([0, 0, 0, 0x10], edid[54..58]); // no other preferred timing
        Assert.Equal((60, 34), (edid[21], edid[22]));
        Assert.Contains("GuestSurfaces", System.Text.Encoding.ASCII.GetString(edid), StringComparison.Ordinal);
    }

    [Fact]
    public void Monitors_have_serial_numbers_of_their_own()
    {
        Assert.NotEqual(Edid(0)[12..16], Edid(1)[12..16]);
    }

    private static (int Width, int Height, double MilliHz) BaseTiming(Span<byte> d)
    {
        var width = d[2] | ((d[4] >> 4) << 8);
        var height = d[5] | ((d[7] >> 4) << 8);
        var totalWidth = width + (d[3] | ((d[4] & 15) << 8));
        var totalHeight = height + (d[6] | ((d[7] & 15) << 8));
        return (width, height, BinaryPrimitives.ReadUInt16LittleEndian(d) * 1e7 / totalWidth / totalHeight);
    }

    private static (int Width, int Height, double MilliHz) DisplayIdTiming(Span<byte> block)
    {
        Assert.Equal(0x70, block[0]);
        byte sum = 0;
        foreach (var b in block[1..(6 + block[2])])
            sum += b;
        Assert.Equal(0, sum);
        Assert.Equal([3, 0, 20], block[5..8].ToArray());
        var d = block[8..];
        Assert.Equal(0x80, d[3] & 0x80);
        var clock = (d[0] | (d[1] << 8) | (d[2] << 16)) + 1;
        int At(Span<byte> t, int i) => BinaryPrimitives.ReadUInt16LittleEndian(t[i..]) + 1;
        var width = At(d, 4);
        var height = At(d, 12);
        return (width, height, clock * 1e7 / (width + At(d, 6)) / (height + At(d, 14)));
    }

    private void Show(uint id, uint width, uint height)
    {
        GpuDriver.Require(_gpu.Create2D(id, width, height));
        GpuDriver.Require(_gpu.SetScanout(0, id, new WireRect(0, 0, width, height)));
    }

    private static OutputMode Mode(int width, int height) => new(new BufferSize(width, height), 60_000, 0, 0, true);

    private (int Width, int Height, bool Enabled) Info(int scanout)
    {
        var payload = _gpu.Send((uint)VirtioGpuCommandType.GetDisplayInfo, []).Payload.AsSpan(scanout * 24);
        return (BinaryPrimitives.ReadInt32LittleEndian(payload[8..]), BinaryPrimitives.ReadInt32LittleEndian(payload[12..]), payload[16] == 1);
    }

    private byte[] Edid(uint scanout)
    {
        var answer = _gpu.Send((uint)VirtioGpuCommandType.GetEdid, GpuHarness.Words(scanout, 0));
        Assert.Equal((VirtioGpuResponse.OkEdid, 1056L), (answer.Type, answer.UsedLength));
        return answer.Payload.AsSpan(8, BinaryPrimitives.ReadInt32LittleEndian(answer.Payload)).ToArray();
    }

    private uint EventsRead()
    {
        var config = new byte[16];
        _gpu.Device.ReadConfig(config);
        return BinaryPrimitives.ReadUInt32LittleEndian(config);
    }
}
