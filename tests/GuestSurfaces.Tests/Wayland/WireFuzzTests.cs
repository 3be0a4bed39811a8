// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Wayland;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Wayland;

/// <summary>Replays the corpus, then mutates it: for a fixed number of rounds, or for GS_FUZZ_SECONDS. A crash belongs into tests/corpus/wire.</summary>
[Collection(Descriptors.Name)]
public sealed class WireFuzzTests
{
    private const int Rounds = 1500;

    [Fact]
    public void Nothing_that_a_peer_sends_gets_past_the_typed_error()
    {
        using var leaks = new FdLeakCheck();
        var seeds = Directory.EnumerateFiles(Repository.Path("tests/corpus/wire"), "*.bin").Order().Select(File.ReadAllBytes).Concat(Seeds()).ToArray();
        foreach (var seed in seeds)
            WireFuzz.Run(seed);

        var seconds = int.TryParse(Environment.GetEnvironmentVariable("GS_FUZZ_SECONDS"), CultureInfo.InvariantCulture, out var given) ? given : 0;
        var watch = Stopwatch.StartNew();
        var random = new Random(seconds == 0 ? 20260728 : Environment.TickCount);
        for (var round = 0; seconds == 0 ? round < Rounds : watch.Elapsed.TotalSeconds < seconds; round++)
        {
            var input = Mutate(seeds[random.Next(seeds.Length)], random);
            try
            {
                WireFuzz.Run(input);
            }
            catch (Exception e)
            {
                Assert.Fail($"{e.Message}\nadd to tests/corpus/wire: {Convert.ToHexString(input)}\n{e}");
            }
        }
    }

    private static byte[] Mutate(byte[] seed, Random random)
    {
        var data = seed.ToArray();
        for (var i = random.Next(1, 6); i > 0 && data.Length >= 4; i--)
        {
            var at = random.Next(data.Length / 4) * 4;
            switch (random.Next(5))
            {
                case 0:
                    data[random.Next(data.Length)] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    uint[] interesting = [0, 1, 2, 3, 8, 9, 0xFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 0xFF00_0000, 0xFF00_0001];
                    BitConverter.TryWriteBytes(data.AsSpan(at), interesting[random.Next(interesting.Length)]);
                    break;
                case 2:
                    data = [.. data[..at], .. data[at..], .. data[..at]];
                    break;
                case 3:
                    data = data[..at];
                    break;
                default:
                    data[at] = (byte)random.Next(12);
                    break;
            }
        }

        return data.Length > 32_768 ? data[..32_768] : data;
    }

    /// <summary>A client's and a compositor's usual opening.</summary>
    private static IEnumerable<byte[]> Seeds()
    {
        yield return Message(1, 1, 2).Concat(Bind(2, 1, "wl_compositor", 6, 3)).Concat(Message(3, 0, 4)).Concat(Message(4, 3, 5)).Concat(Message(4, 1, 0, 0, 0))
            .Concat(Message(4, 6)).Concat(Message(1, 0, 6)).ToArray();
        yield return Message(1, 1, 2).Concat(Bind(2, 1, "wl_compositor", 6, 3)).Concat(Message(3, 0, 4)).Concat(Bind(2, 3, "xdg_wm_base", 6, 5)).Concat(Message(5, 2, 6, 4))
            .Concat(Message(6, 1, 7)).Concat(Message(4, 6)).Concat(Message(6, 4, 1)).Concat(Message(7, 0)).Concat(Message(6, 0)).Concat(Message(4, 0)).ToArray();
        yield return Message(1, 1, 2).Concat(Bind(2, 5, "zwp_linux_dmabuf_v1", 5, 3)).Concat(Message(3, 1, 4)).Concat(Message(4, 2, 16, 16, 0, 0)).Concat(Message(4, 0)).ToArray();
        yield return Message(1, 1, 5).Concat(Message(1, 1, 7)).Concat(Message(7, 0, WireLimits.FirstServerId)).Concat(Message(6, 0, 1)).Concat(Message(6, 1, 1, 0, 0)).ToArray();
        yield return Message(8, 0, WireLimits.FirstServerId).Concat(Message(WireLimits.FirstServerId, 0)).Concat(Message(1, 1, 7)).ToArray();
    }

    private static byte[] Message(uint id, int opcode, params uint[] words)
    {
        var buffer = new byte[256];
        var writer = new WireWriter(buffer, id, opcode);
        foreach (var word in words)
            writer.WriteUInt(word);
        writer.Finish(out var size);
        return buffer[..size];
    }

    private static byte[] Bind(uint registry, uint name, string type, uint version, uint id)
    {
        var buffer = new byte[256];
        var writer = new WireWriter(buffer, registry, 0);
        writer.WriteUInt(name);
        writer.WriteString(type);
        writer.WriteUInt(version);
        writer.WriteUInt(id);
        writer.Finish(out var size);
        return buffer[..size];
    }
}
