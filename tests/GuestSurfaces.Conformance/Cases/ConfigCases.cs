// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>Configuration space.</summary>
public static class ConfigCases
{
    private const string Spec = "virtio 1.3 §5.7.4; vhost-user GET_CONFIG, SET_CONFIG";

    public static IEnumerable<ConformanceCase> All { get; } =
    [
        new("config/whole", Spec, static c =>
        {
            c.Vmm.Connect();
            c.Check(c.Vmm.GetConfig(0, 16).Length == 16, "16 bytes of configuration can't be read");
        }) { RequiresProtocol = ProtocolFeatures.Config },
        new("config/num-scanouts", Spec + ": 1 to 16", static c =>
        {
            c.Vmm.Connect();
            var scanouts = GpuCommands.Get32(c.Vmm.GetConfig(0, 16), 8);
            c.Check(scanouts is >= 1 and <= 16, $"num_scanouts is {scanouts}");
        }) { RequiresProtocol = ProtocolFeatures.Config },
        new("config/no-capsets-without-virgl", Spec, static c =>
        {
            c.Vmm.Connect();
            c.Check(GpuCommands.Get32(c.Vmm.GetConfig(0, 16), 12) == 0 || c.Vmm.Offered.HasFlag(VirtioFeatures.GpuVirgl), "capsets without VIRGL");
        }) { RequiresProtocol = ProtocolFeatures.Config },
        new("config/one-field", Spec, static c =>
        {
            c.Vmm.Connect();
            var whole = c.Vmm.GetConfig(0, 16);
            c.Check(c.Vmm.GetConfig(8, 4).AsSpan().SequenceEqual(whole.AsSpan(8, 4)), "four bytes at 8 aren't those of the whole");
        }) { RequiresProtocol = ProtocolFeatures.Config },
        new("config/beyond-the-end", Spec + ": refused by an empty answer", static c =>
        {
            c.Vmm.Connect();
            var beyond = c.Vmm.GetConfig(0, 256);
            c.Check(beyond.Length is 0 or 256, $"256 bytes were asked for and {beyond.Length} came");
            c.ExpectAlive();
        }) { RequiresProtocol = ProtocolFeatures.Config },
        new("config/offset-that-wraps", Spec, static c =>
        {
            c.Vmm.Connect();
            var beyond = c.Vmm.GetConfig(0xffff_fff8, 16);
            c.Check(beyond.Length is 0 or 16, $"16 bytes were asked for and {beyond.Length} came");
            c.ExpectAlive();
        }) { RequiresProtocol = ProtocolFeatures.Config },
        new("config/events-clear", Spec, static c =>
        {
            c.ExpectAlive();
            Span<byte> one = [1, 0, 0, 0];
            c.Vmm.SetConfig(4, one);
            c.Check((GpuCommands.Get32(c.Vmm.GetConfig(0, 16), 0) & 1) == 0, "EVENT_DISPLAY is still set after events_clear");
            c.ExpectAlive();
        }) { RequiresProtocol = ProtocolFeatures.Config },
        new("config/read-only-fields-stay", Spec, static c =>
        {
            c.ExpectAlive();
            var before = c.Vmm.GetConfig(0, 16);
            c.Vmm.TryTell(FrontendRequest.SetConfig, [8, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 99, 0, 0, 0], []);
            c.Check(c.Vmm.GetConfig(0, 16).AsSpan(8).SequenceEqual(before.AsSpan(8)), "the driver could change num_scanouts");
            c.ExpectAlive();
        }) { RequiresProtocol = ProtocolFeatures.Config },
    ];
}
