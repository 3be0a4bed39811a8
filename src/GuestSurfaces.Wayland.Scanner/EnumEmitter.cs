// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Wayland.Scanner;

/// <summary>Enumerations, named interface first.</summary>
internal static class EnumEmitter
{
    internal static void Emit(CodeWriter code, InterfaceModel type)
    {
        foreach (var item in type.Enums)
        {
            code.Summary($"{type.Name}.{item.Name}.");
            if (item.IsBitfield)
                code.Line("[System.Flags]");
            using (code.Block($"public enum {Naming.EnumType(type.Name, item.Name)} : uint"))
            {
                foreach (var entry in item.Entries)
                {
                    code.Summary(entry.Since > 1 ? $"{entry.Name}, since version {entry.Since}." : $"{entry.Name}.");
                    code.Line($"{Naming.Pascal(entry.Name)} = {(entry.Value > 0xFFFF ? $"0x{entry.Value:X}" : entry.Value.ToString())},");
                }
            }

            code.Line();
        }
    }
}
