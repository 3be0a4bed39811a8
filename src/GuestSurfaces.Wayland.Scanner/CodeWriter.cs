// SPDX-License-Identifier: MIT
using System;
using System.Text;

namespace GuestSurfaces.Wayland.Scanner;

/// <summary>Text with indentation.</summary>
internal sealed class CodeWriter
{
    private readonly StringBuilder _text = new();
    private int _depth;

    internal void Line(string text = "")
    {
        if (text.Length != 0)
            _text.Append(' ', _depth * 4).Append(text);
        _text.Append('\n');
    }

    /// <summary>A line and the braces after it, which close when the result is disposed.</summary>
    internal IDisposable Block(string header)
    {
        Line(header);
        Line("{");
        _depth++;
        return new Closer(this);
    }

    internal IDisposable Indented()
    {
        _depth++;
        return new Closer(this, braces: false);
    }

    /// <summary>A doc comment; the text is escaped.</summary>
    internal void Summary(string text) => Line($"/// <summary>{System.Security.SecurityElement.Escape(text)}</summary>");

    public override string ToString() => _text.ToString();

    private sealed class Closer(CodeWriter writer, bool braces = true) : IDisposable
    {
        public void Dispose()
        {
            writer._depth--;
            if (braces)
                writer.Line("}");
        }
    }
}
