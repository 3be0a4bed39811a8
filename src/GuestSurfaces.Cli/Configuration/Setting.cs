// SPDX-License-Identifier: MIT
using System.CommandLine;

namespace GuestSurfaces.Cli.Configuration;

/// <summary>One line of the configuration file.</summary>
/// <param name="Vm">Whose; null: of all.</param>
/// <param name="Key">An option's name without its dashes.</param>
/// <param name="Values">As on the command line; several only for options that may be repeated.</param>
/// <param name="Place">"FILE:LINE", for people.</param>
internal sealed record Setting(string? Vm, string Key, IReadOnlyList<string> Values, string Place)
{
    /// <summary>The option's whole name.</summary>
    public string OptionName => $"--{Key}";

    /// <summary>The same on a command line.</summary>
    /// <param name="option">Which it is there.</param>
    public IEnumerable<string> ToArguments(Option option) => option.ValueType == typeof(bool) || Values is not (["true"] or ["false"])
        ? Values.Select(value => $"{OptionName}={value}")
        : Values[0] == "true" ? [OptionName] : []; // one that may have a value, and needn't
}
