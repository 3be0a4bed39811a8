// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Fuzzing;
using GuestSurfaces.Testing.Wayland;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Wayland;

/// <summary>Replays and mutates the corpus, and usual openings of both sides.</summary>
[Collection(Alone.Name)]
public sealed class WireFuzzTests
{
    [Fact]
    public void Nothing_that_a_peer_sends_gets_past_the_typed_error()
    {
        using var leaks = new FdLeakCheck();
        Assert.InRange(FuzzRun.Run("wire", 32_768, WireFuzz.Run, Seeds()), 10, int.MaxValue);
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
