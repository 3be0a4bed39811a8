// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using GuestSurfaces.Cli.Commands;

namespace GuestSurfaces.Cli.Manual;

/// <summary>One command's manual page, of the same objects that <c>--help</c> prints: what either says, the other says too.</summary>
/// <param name="path">The command and those that it is part of, the root first.</param>
internal sealed partial class ManPage(IReadOnlyList<Command> path)
{
    private const string Program = "guest-surfaces";
    private readonly StringBuilder _text = new();

    /// <summary>The pages of a command and of everything below it.</summary>
    /// <param name="root">The whole program.</param>
    public static IEnumerable<ManPage> Of(RootCommand root) => Of([root]);

    /// <summary>"guest-surfaces-attach-link.1".</summary>
    public string FileName => $"{Name(path)}.1";

    /// <summary>Writes it as roff, for man(7).</summary>
    /// <param name="date">At its foot.</param>
    public string Write(DateOnly date)
    {
        var command = path[^1];
        var version = typeof(ManPage).Assembly.GetName().Version!.ToString(3);
        _text.Clear();
        _ = _text.Append(CultureInfo.InvariantCulture, $".TH {Escape(Name(path)).ToUpperInvariant()} 1 {date:yyyy-MM-dd} \"{Program} {version}\" \"User Commands\"\n");
        var paragraphs = (command.Description ?? "").Split("\n\n", 2);
        Section("NAME", $"{Escape(Name(path))} \\- {Escape(Summary(paragraphs[0]))}");
        Section("SYNOPSIS", Synopsis(command));
        var details = command is DetailedCommand detailed ? detailed.Details : paragraphs.Length > 1 ? paragraphs[1] : "";
        if (details.Length > 0)
        {
            Section("DESCRIPTION");
            Prose(details);
        }

        var commands = command.Subcommands.Where(static c => !c.Hidden).ToList();
        if (commands.Count > 0)
            Section("COMMANDS");
        foreach (var child in commands)
            Entry($"\\fB{Escape(Name([.. path, child]))}\\fR(1)", child.Description);
        var arguments = command.Arguments.Where(static a => !a.Hidden).ToList();
        if (arguments.Count > 0)
            Section("ARGUMENTS");
        foreach (var argument in arguments)
            Entry($"\\fI{Escape(ArgumentName(argument))}\\fR", argument.Description);
        Section("OPTIONS");
        foreach (var option in command.Options.Concat(path.Count > 1 ? path[0].Options.Where(static o => o.Recursive) : []).Where(static o => !o.Hidden))
            Entry(OptionName(option), option.Description, DefaultOf(option));
        if (path.Count > 1)
            Section("SEE ALSO", $"\\fB{Escape(Program)}\\fR(1)");
        return _text.ToString();
    }

    /// <summary>A default as people read it; empty if there is none to tell.</summary>
    /// <param name="option">Of a command.</param>
    internal static string DefaultOf(Option option) => option.HasDefaultValue && option.ValueType != typeof(bool)
        ? Convert.ToString(option.GetDefaultValue(), CultureInfo.InvariantCulture) ?? ""
        : "";

    private static IEnumerable<ManPage> Of(Command[] path) => path[^1].Subcommands.Where(static c => !c.Hidden).SelectMany(child => Of([.. path, child])).Prepend(new ManPage(path));

    private static string Name(IReadOnlyList<Command> path) => string.Join('-', path.Skip(1).Select(static c => c.Name).Prepend(Program));

    // By convention it neither starts with a capital nor ends with a stop, and doesn't repeat the name.
    private static string Summary(string text)
    {
        text = text.StartsWith(Program + " ", StringComparison.Ordinal) ? text[(Program.Length + 1)..] : text;
        return char.ToLowerInvariant(text[0]) + text[1..].TrimEnd('.');
    }

    private string Synopsis(Command command)
    {
        var words = new List<string> { $"\\fB{Escape(string.Join(' ', path.Skip(1).Select(static c => c.Name).Prepend(Program)))}\\fR" };
        if (command.Subcommands.Any(static c => !c.Hidden))
            words.Add("\\fICOMMAND\\fR");
        words.Add("[\\fIOPTION\\fR...]");
        foreach (var argument in command.Arguments.Where(static a => !a.Hidden))
        {
            var name = $"\\fI{Escape(ArgumentName(argument))}\\fR{(argument.Arity.MaximumNumberOfValues > 1 ? "..." : "")}";
            words.Add(argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name);
        }

        return string.Join(' ', words);
    }

    private static string ArgumentName(Argument argument) => argument.HelpName ?? argument.Name.ToUpperInvariant();

    private static string OptionName(Option option)
    {
        var names = string.Join(", ", option.Aliases.Prepend(option.Name).Select(static name => $"\\fB{Escape(name)}\\fR"));
        return option.HelpName is { } value ? $"{names} \\fI{Escape(value)}\\fR" : names;
    }

    private void Section(string title, string text = "")
    {
        _ = _text.Append(CultureInfo.InvariantCulture, $".SH {title}\n");
        if (text.Length > 0)
            _ = _text.Append(text).Append('\n');
    }

    private void Entry(string name, string? description, string standard = "")
    {
        _ = _text.Append(".TP\n").Append(name).Append('\n').Append(Line((description ?? "").Split('\n')[0]));
        _ = _text.Append(standard.Length > 0 ? $" (default: {Escape(standard)})\n" : "\n");
    }

    // Indented lines are examples and tables: as they stand. The others fill paragraphs.
    private void Prose(string text)
    {
        var isLiteral = false;
        var isFirst = true;
        foreach (var line in text.Split('\n'))
        {
            var wantsLiteral = line.StartsWith("  ", StringComparison.Ordinal);
            if (wantsLiteral != isLiteral && line.Length > 0)
            {
                _ = _text.Append(wantsLiteral ? ".PP\n.RS 4\n.nf\n" : ".fi\n.RE\n.PP\n");
                isLiteral = wantsLiteral;
                isFirst = true;
            }

            if (line.Length == 0)
                _ = !isLiteral && !isFirst ? _text.Append(".PP\n") : _text;
            else
                _ = _text.Append(Line(isLiteral ? line[2..] : line)).Append('\n');
            isFirst = line.Length == 0;
        }

        if (isLiteral)
            _ = _text.Append(".fi\n.RE\n");
        _ = _text.Replace(".PP\n.PP\n", ".PP\n");
    }

    // A dot or quote at a line's start would be a request.
    private static string Line(string text) => text.StartsWith('.') || text.StartsWith('\'') ? "\\&" + Escape(text) : Escape(text);

    private static string Escape(string text) =>
        NonAscii().Replace(text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal).Replace("'", "\\(aq", StringComparison.Ordinal),
            static match => $"\\[u{char.ConvertToUtf32(match.Value, 0):X4}]");

    [GeneratedRegex(@"[\uD800-\uDBFF][\uDC00-\uDFFF]|[^\x00-\x7F]")]
    private static partial Regex NonAscii();
}
