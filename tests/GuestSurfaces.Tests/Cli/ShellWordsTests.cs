// SPDX-License-Identifier: MIT
using System.Diagnostics;
using GuestSurfaces.Cli.Qemu;
using Xunit;

namespace GuestSurfaces.Tests.Cli;

public sealed class ShellWordsTests
{
    [Theory]
    [InlineData("-device", "-device")]
    [InlineData("socket,id=a,path=/run/x.sock", "socket,id=a,path=/run/x.sock")]
    [InlineData("", "''")]
    [InlineData("two words", "'two words'")]
    [InlineData("it's", "'it'\\''s'")]
    [InlineData("$HOME", "'$HOME'")]
    [InlineData("a\n", "'a\n'")]
    public void Word_is_quoted_only_if_it_must_be(string word, string quoted) => Assert.Equal(quoted, ShellWords.Quote(word));

    [Fact]
    public void Shell_reads_back_every_word_as_it_was()
    {
        string[] words = ["", " ", "'", "\"", "\\", "$(id)", "`id`", "*", "~", "#x", "a\tb", "a\nb", "a\n", "ünï", "-n", "x=y", "!!", "&", ";"];
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardOutput = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("printf '[%s]' " + string.Join(' ', words.Select(ShellWords.Quote)));
        using var shell = Process.Start(start)!;
        Assert.Equal(string.Concat(words.Select(static w => $"[{w}]")), shell.StandardOutput.ReadToEnd());
        shell.WaitForExit();
    }
}
