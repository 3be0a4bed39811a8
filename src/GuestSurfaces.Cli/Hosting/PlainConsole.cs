// SPDX-License-Identifier: MIT
using Spectre.Console;

namespace GuestSurfaces.Cli.Hosting;

/// <summary>A console for text that is laid out: 80 columns wide, and without colours where no person looks at it or one said so (NO_COLOR).</summary>
internal static class PlainConsole
{
    public const int Columns = 80;

    /// <summary>Makes one.</summary>
    /// <param name="output">The terminal only if it is <see cref="Console.Out"/>, and that isn't redirected.</param>
    public static IAnsiConsole Create(TextWriter output)
    {
        var isPlain = Console.IsOutputRedirected || output != Console.Out;
        var hasColours = !isPlain && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = isPlain ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = hasColours ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        });
        console.Profile.Width = Columns;
        return console;
    }
}
