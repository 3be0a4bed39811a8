// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Tests.Isolation;

/// <summary>Runs classic BPF as the kernel does, for system calls that nobody makes: other architectures', forbidden ones.</summary>
internal static class BpfMachine
{
    /// <summary>What a filter answers.</summary>
    /// <param name="program">The filter.</param>
    /// <param name="architecture">As seccomp_data has it.</param>
    /// <param name="number">Of the call.</param>
    /// <param name="arguments">The first ones; the others are 0.</param>
    public static uint Run(BpfProgram program, uint architecture, uint number, params ulong[] arguments)
    {
        var code = program.Instructions;
        uint accumulator = 0;
        for (var at = 0; ; at++)
        {
            var (opcode, operand) = (code[at].code, code[at].k);
            switch (opcode)
            {
                case LibC.BPF_LD | LibC.BPF_W | LibC.BPF_ABS:
                    accumulator = operand switch
                    {
                        0 => number,
                        4 => architecture,
                        _ when operand >= 16 && operand < 64 && operand % 8 == 0 => (uint)arguments.ElementAtOrDefault((int)(operand - 16) / 8),
                        _ => throw new InvalidOperationException($"loads from {operand}"),
                    };
                    break;
                case LibC.BPF_JMP | LibC.BPF_JEQ | LibC.BPF_K:
                    at += accumulator == operand ? code[at].jt : code[at].jf;
                    break;
                case LibC.BPF_JMP | LibC.BPF_JGT | LibC.BPF_K:
                    at += accumulator > operand ? code[at].jt : code[at].jf;
                    break;
                case LibC.BPF_JMP | LibC.BPF_JSET | LibC.BPF_K:
                    at += (accumulator & operand) != 0 ? code[at].jt : code[at].jf;
                    break;
                case LibC.BPF_RET | LibC.BPF_K:
                    return operand;
                default:
                    throw new InvalidOperationException($"instruction {at} is none: {opcode:x}");
            }
        }
    }
}
