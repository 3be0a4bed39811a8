// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli.Manual;

namespace GuestSurfaces.Cli.Commands;

/// <summary><c>guest-surfaces man</c>: the manual pages, for packages.</summary>
internal static class ManCommand
{
    public static Command Create()
    {
        var output = new Option<DirectoryInfo>("--output") { Description = "The folder, made if need be.", DefaultValueFactory = _ => new DirectoryInfo("man1"), HelpName = "DIR" };
        var command = new DetailedCommand(
            "man",
            "Write the manual pages: what --help says, for man(1).",
            """
            One page for each command, of the same texts as --help. install.sh puts them where man(1) looks.

              guest-surfaces man --output ~/.local/share/man/man1
              man guest-surfaces-run
            """)
        {
            output,
        };
        command.SetAction(result =>
        {
            var folder = result.GetValue(output)!;
            folder.Create();
            foreach (var page in ManPage.Of((RootCommand)result.RootCommandResult.Command))
                File.WriteAllText(Path.Combine(folder.FullName, page.FileName), page.Write(DateOnly.FromDateTime(DateTime.UtcNow)));
            return 0;
        });
        return command;
    }
}
