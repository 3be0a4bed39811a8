// SPDX-License-Identifier: MIT
using System.Collections.Generic;
using System.Linq;

namespace GuestSurfaces.Wayland.Scanner;

/// <summary>The run-time tables: all that a filter, which knows no types, has to know.</summary>
internal static class TableEmitter
{
    internal static void Emit(CodeWriter code, ProtocolModel protocol)
    {
        code.Summary("Run-time descriptions of all interfaces.");
        using (code.Block("public static partial class WaylandInterfaces"))
        {
            var first = true;
            foreach (var type in protocol.Interfaces)
            {
                if (!first)
                    code.Line();
                first = false;
                code.Summary($"{type.Name}, version {type.Version}.");
                code.Line($"public static WaylandInterface {Naming.Pascal(type.Name)} {{ get; }} = new(");
                using (code.Indented())
                {
                    code.Line($"\"{type.Name}\",");
                    code.Line($"{type.Version},");
                    Messages(code, type.Requests, ",");
                    Messages(code, type.Events, ");");
                }
            }
        }
    }

    /// <summary>The way from a name to its table, over all files.</summary>
    internal static void EmitIndex(CodeWriter code, IEnumerable<InterfaceModel> interfaces)
    {
        using (code.Block("public static partial class WaylandInterfaces"))
        {
            code.Summary("The description of an interface, or null if protocol-xml has none.");
            code.Line("/// <param name=\"name\">Its name on the wire.</param>");
            code.Line("public static WaylandInterface? Find(string name) => name switch");
            code.Line("{");
            using (code.Indented())
            {
                foreach (var type in interfaces)
                    code.Line($"\"{type.Name}\" => {Naming.Pascal(type.Name)},");
                code.Line("_ => null,");
            }

            code.Line("};");
            code.Line();
            // Not an initialised property: the order of initialisers over the parts of a class is nobody's promise.
            code.Summary("All descriptions.");
            code.Line("public static System.Collections.Generic.IEnumerable<WaylandInterface> All");
            code.Line("{");
            using (code.Indented())
            using (code.Block("get"))
            {
                foreach (var type in interfaces)
                    code.Line($"yield return {Naming.Pascal(type.Name)};");
            }

            code.Line("}");
        }
    }

    private static void Messages(CodeWriter code, EquatableArray<MessageModel> messages, string end)
    {
        if (messages.Count == 0)
        {
            code.Line("[]" + end);
            return;
        }

        code.Line("[");
        using (code.Indented())
        {
            foreach (var message in messages)
            {
                var types = message.Args.Where(static arg => arg.Kind is ArgKind.Object or ArgKind.NewId).Select(static arg => arg.Interface is { } name ? $"\"{name}\"" : "null");
                code.Line($"new({string.Join(", ", new[] { $"\"{message.Name}\"", $"\"{message.Signature}\"", message.Since.ToString(), message.IsDestructor ? "true" : "false", $"[{string.Join(", ", types)}]" })}),");
            }
        }

        code.Line("]" + end);
    }
}
