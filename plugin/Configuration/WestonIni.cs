// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Plugin.Configuration;

/// <summary>A section of weston.ini.</summary>
/// <param name="Name">Between the brackets. The same may come again.</param>
/// <param name="Keys">The first value of each key.</param>
public sealed record IniSection(string Name, IReadOnlyDictionary<string, string> Keys);

/// <summary>Reads weston.ini as Weston itself does: sections in brackets, <c>key=value</c>, comments after #, no quotes. Pure.</summary>
public static class WestonIni
{
    /// <summary>Reads a file's text. Lines that make no sense are Weston's to complain about.</summary>
    /// <param name="text">All of it.</param>
    public static IReadOnlyList<IniSection> Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var sections = new List<IniSection>();
        Dictionary<string, string>? keys = null;
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith('[') && line.IndexOf(']', StringComparison.Ordinal) is > 0 and var end)
            {
                keys = [];
                sections.Add(new IniSection(line[1..end], keys));
            }
            else if (keys is not null && !line.StartsWith('#') && line.IndexOf('=', StringComparison.Ordinal) is > 0 and var sign)
            {
                _ = keys.TryAdd(line[..sign], line[(sign + 1)..].TrimEnd());
            }
        }

        return sections;
    }
}
