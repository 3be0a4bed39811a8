// SPDX-License-Identifier: MIT
using System.Linq;

namespace GuestSurfaces.Wayland.Scanner;

/// <summary>snake_case to C#.</summary>
internal static class Naming
{
    // Only keywords that the protocols use or are likely to.
    private static readonly string[] s_keywords = ["interface", "event", "object", "params", "ref", "in", "out", "fixed", "string", "int", "uint", "lock", "base", "class", "default", "operator", "namespace"];

    /// <summary>Names that the generated bodies use themselves.</summary>
    private static readonly string[] s_taken = ["reader", "writer", "listener", "handler", "sender", "opcode"];

    internal static string Pascal(string name)
    {
        var text = string.Concat(name.Split('_').Where(static part => part.Length != 0).Select(static part => char.ToUpperInvariant(part[0]) + part.Substring(1)));
        return char.IsDigit(text[0]) ? "_" + text : text;
    }

    internal static string Camel(string name)
    {
        var text = Pascal(name);
        text = char.ToLowerInvariant(text[0]) + text.Substring(1);
        return s_keywords.Contains(text) ? "@" + text : s_taken.Contains(text) ? text + "Arg" : text;
    }

    /// <summary>The type of an enum as an argument names it.</summary>
    internal static string EnumType(string interfaceName, string enumName)
    {
        var dot = enumName.IndexOf('.');
        return dot < 0 ? Pascal(interfaceName) + Pascal(enumName) : Pascal(enumName.Substring(0, dot)) + Pascal(enumName.Substring(dot + 1));
    }
}
