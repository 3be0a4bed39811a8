// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace GuestSurfaces.Interop;

/// <summary>
/// Assembles a program of classic BPF, as far as filters of system calls want one: load a word, compare it, return. Jumps only go forward over a block, so what is assembled always ends.
/// Source: <c>linux/filter.h</c>.
/// </summary>
public sealed class BpfProgram
{
    private readonly List<LibC.SockFilter> _instructions = [];

    internal ReadOnlySpan<LibC.SockFilter> Instructions => CollectionsMarshal.AsSpan(_instructions);

    /// <summary>Loads a word of what is looked at.</summary>
    /// <param name="offsetBytes">Where it is.</param>
    public void Load(int offsetBytes) => Add(LibC.BPF_LD | LibC.BPF_W | LibC.BPF_ABS, (uint)offsetBytes);

    /// <summary>Ends with an answer.</summary>
    /// <param name="value">The answer.</param>
    public void Return(uint value) => Add(LibC.BPF_RET | LibC.BPF_K, value);

    /// <summary>A block for when the loaded word is equal to a number.</summary>
    /// <param name="value">The number.</param>
    /// <param name="block">Assembles it.</param>
    public void IfEqual(uint value, Action block) => If(LibC.BPF_JEQ, value, isTrue: true, block);

    /// <summary>A block for when the loaded word is another number.</summary>
    /// <param name="value">The number.</param>
    /// <param name="block">Assembles it.</param>
    public void IfNotEqual(uint value, Action block) => If(LibC.BPF_JEQ, value, isTrue: false, block);

    /// <summary>A block for when the loaded word is greater than a number, both unsigned.</summary>
    /// <param name="value">The number.</param>
    /// <param name="block">Assembles it.</param>
    public void IfGreater(uint value, Action block) => If(LibC.BPF_JGT, value, isTrue: true, block);

    /// <summary>A block for when the loaded word has any of some bits.</summary>
    /// <param name="bits">The bits.</param>
    /// <param name="block">Assembles it.</param>
    public void IfAnyBit(uint bits, Action block) => If(LibC.BPF_JSET, bits, isTrue: true, block);

    /// <summary>A block for when the loaded word has none of some bits.</summary>
    /// <param name="bits">The bits.</param>
    /// <param name="block">Assembles it.</param>
    public void IfNoBit(uint bits, Action block) => If(LibC.BPF_JSET, bits, isTrue: false, block);

    private void If(ushort test, uint value, bool isTrue, Action block)
    {
        ArgumentNullException.ThrowIfNull(block);
        var at = _instructions.Count;
        Add((ushort)(LibC.BPF_JMP | test | LibC.BPF_K), value);
        block();
        var length = checked((byte)(_instructions.Count - at - 1)); // a jump's reach
        ref var jump = ref CollectionsMarshal.AsSpan(_instructions)[at];
        if (isTrue)
            jump.jf = length;
        else
            jump.jt = length;
    }

    private void Add(ushort code, uint operand) => _instructions.Add(new LibC.SockFilter { code = code, k = operand });
}
