// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Fuzzing;
using GuestSurfaces.Testing.Link;
using Xunit;

namespace GuestSurfaces.Tests.Link;

/// <summary>Replays and mutates the corpus, in both directions.</summary>
[Collection(Alone.Name)]
public sealed class LinkFuzzTests
{
    [Fact]
    public void Nothing_that_a_viewer_sends_hurts_a_source()
    {
        using var leaks = new FdLeakCheck();
        Assert.InRange(FuzzRun.Run("link", 8192, LinkFuzz.RunSource), 100, int.MaxValue);
    }

    [Fact]
    public void Nothing_that_a_source_sends_hurts_a_viewer()
    {
        using var leaks = new FdLeakCheck();
        Assert.InRange(FuzzRun.Run("link", 8192, LinkFuzz.RunViewer), 100, int.MaxValue);
    }
}
