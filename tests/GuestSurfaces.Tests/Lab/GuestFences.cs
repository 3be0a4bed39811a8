// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>What a guest's kernel has waited for, by its own trace: the line GS-FENCES of gsguest.c (gs.trace=1).</summary>
/// <param name="Waits">How often it waited for an answer of its GPU.</param>
/// <param name="TimedOut">How often in vain.</param>
/// <param name="LongestMs">The longest.</param>
internal sealed partial record GuestFences(int Waits, int TimedOut, int LongestMs)
{
    /// <summary>Reads it. Fails if there is none, or if the kernel's buffer was too small.</summary>
    /// <param name="serialLog">The guest's serial line's words.</param>
    public static GuestFences Parse(string serialLog)
    {
        var line = Line().Match(serialLog);
        Assert.True(line.Success, serialLog);
        TestContext.Current.TestOutputHelper?.WriteLine(line.Value);
        Assert.Equal(0, Number("lost"));
        return new GuestFences(Number("waits"), Number("timed_out"), Number("longest"));

        int Number(string group) => int.Parse(line.Groups[group].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"^GS-FENCES waits=(?<waits>\d+) timed_out=(?<timed_out>\d+) longest_ms=(?<longest>\d+) overtaken=\d+ flushes=\d+ lost=(?<lost>\d+)", RegexOptions.Multiline)]
    private static partial Regex Line();
}
