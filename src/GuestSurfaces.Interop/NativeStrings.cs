// SPDX-License-Identifier: MIT
using System.Collections;
using System.Runtime.InteropServices;
using System.Text;

namespace GuestSurfaces.Interop;

/// <summary>A null-terminated table of NUL-terminated strings, as programs are given their arguments and environment.</summary>
internal sealed unsafe class NativeStrings : IDisposable
{
    private readonly int _count;

    public NativeStrings(IReadOnlyList<string> strings)
    {
        _count = strings.Count;
        // SAFETY: one pointer per string and the final null; each string has its own block with room for the NUL.
        Table = (byte**)NativeMemory.AllocZeroed((nuint)(_count + 1), (nuint)sizeof(byte*));
        for (var i = 0; i < _count; i++)
        {
            var length = Encoding.UTF8.GetByteCount(strings[i]);
            Table[i] = (byte*)NativeMemory.AllocZeroed((nuint)length + 1);
            Encoding.UTF8.GetBytes(strings[i], new Span<byte>(Table[i], length));
        }
    }

    public byte** Table { get; }

    /// <summary>This process's environment.</summary>
    /// <param name="variable">NAME=VALUE, which it hasn't; null: nothing else.</param>
    public static NativeStrings OfEnvironment(string? variable = null)
    {
        var lines = new List<string>();
        if (variable is not null)
            lines.Add(variable);
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
            lines.Add($"{entry.Key}={entry.Value}");
        return new NativeStrings(lines);
    }

    public void Dispose()
    {
        for (var i = 0; i < _count; i++)
            NativeMemory.Free(Table[i]);
        NativeMemory.Free(Table);
    }
}
