// SPDX-License-Identifier: MIT
using System.Collections.Generic;
using System.Linq;

namespace GuestSurfaces.Wayland.Scanner;

/// <summary>One class per interface and side: methods that send, and the dispatch of what comes in to a typed receiver.</summary>
internal sealed class ClassEmitter(CodeWriter code, Side side, InterfaceModel type)
{
    private readonly string _class = side.Class(type.Name);
    private readonly string _receiver = side.Receiver(type.Name);

    internal void Emit()
    {
        var about = type.Summary.Length == 0 ? "." : $": {type.Summary}.";
        code.Summary($"{(side.IsServer ? "Server" : "Client")} side of {type.Name}{about}");
        using (code.Block($"public sealed class {_class} : {side.BaseClass}, {side.TypeInterface}<{_class}>"))
        {
            code.Line("/// <inheritdoc/>");
            code.Line($"public static WaylandInterface InterfaceType => WaylandInterfaces.{Naming.Pascal(type.Name)};");
            code.Line();
            code.Line("/// <inheritdoc/>");
            code.Line($"public override WaylandInterface Interface => WaylandInterfaces.{Naming.Pascal(type.Name)};");
            code.Line();
            if (side.Incoming(type).Count != 0)
            {
                code.Summary(side.IsServer ? "Who handles requests; without one they have no effect." : "Who hears of events; without one they are dropped.");
                code.Line($"public {_receiver}? {side.ReceiverProperty} {{ get; set; }}");
                code.Line();
            }

            code.Line("/// <inheritdoc/>");
            code.Line($"public static {_class} CreateShell() => new();");
            foreach (var message in side.Outgoing(type))
            {
                code.Line();
                Send(message);
            }

            code.Line();
            Dispatch();
        }

        if (side.Incoming(type).Count == 0)
            return;
        code.Line();
        Receiver();
    }

    private static string Describe(InterfaceModel type, MessageModel message, string kind)
    {
        var args = string.Join(", ", message.Args.Select(static arg => arg.Name));
        return $"{kind} {type.Name}.{message.Name}({args}){(message.Since > 1 ? $", since version {message.Since}" : string.Empty)}{(message.IsDestructor ? "; the object is gone afterwards" : string.Empty)}.";
    }

    private void Send(MessageModel message)
    {
        var method = side.SendPrefix + Naming.Pascal(message.Name);
        var created = message.Args.FirstOrDefault(static arg => arg.Kind == ArgKind.NewId);
        if (created?.Interface is { } createdType && !side.IsServer)
            SendWithNewShell(message, method, created, createdType);

        code.Summary(Describe(type, message, side.IsServer ? "Sends event" : "Request"));
        if (created is not null)
            code.Line($"/// <param name=\"{Naming.Camel(created.Name).TrimStart('@')}\">A shell: new, or an object that is gone.</param>");
        foreach (var arg in message.Args.Where(arg => arg != created))
            code.Line($"/// <param name=\"{Naming.Camel(arg.Name).TrimStart('@')}\">{Note(arg)}</param>");
        if (created is { Interface: null })
            code.Line("/// <param name=\"version\">The version to bind.</param>");
        using (code.Block($"public void {method}({string.Join(", ", message.Args.Select(SendParameter))})"))
        {
            if (message.IsDestructor && message.Args.Count == 0)
            {
                code.Line("if (!IsAlive && Endpoint is not null)");
                using (code.Indented())
                    code.Line("return;");
            }

            foreach (var arg in message.Args.Where(static arg => (arg is { Kind: ArgKind.Object, Interface: not null } or { Kind: ArgKind.Fd }) && !arg.AllowNull))
                code.Line($"System.ArgumentNullException.ThrowIfNull({Naming.Camel(arg.Name)});");
            code.Line($"var writer = Begin({message.Opcode});");

            // All that can throw comes before the new object gets its id, and descriptors go before the end.
            foreach (var arg in message.Args.Where(static arg => arg is { Kind: ArgKind.Object, Interface: not null }))
                code.Line($"var {IdLocal(arg)} = IdOf({Naming.Camel(arg.Name)});");
            foreach (var arg in message.Args.Where(static arg => arg.Kind == ArgKind.Fd))
                code.Line($"StageFd({Naming.Camel(arg.Name)});");
            if (created is not null)
                code.Line($"var {IdLocal(created)} = Adopt({Naming.Camel(created.Name)}{(created.Interface is null ? ", version" : string.Empty)});");
            foreach (var arg in message.Args)
            {
                foreach (var line in Write(arg))
                    code.Line(line);
            }

            code.Line("End(ref writer);");
            if (message.IsDestructor)
                code.Line("Retire();");
        }
    }

    private void SendWithNewShell(MessageModel message, string method, ArgModel created, string createdType)
    {
        code.Summary(Describe(type, message, "Request"));
        foreach (var arg in message.Args.Where(arg => arg != created))
            code.Line($"/// <param name=\"{Naming.Camel(arg.Name).TrimStart('@')}\">{Note(arg)}</param>");
        code.Line("/// <returns>The new object.</returns>");
        var name = Naming.Camel(created.Name);
        using (code.Block($"public {side.Class(createdType)} {method}({string.Join(", ", message.Args.Where(arg => arg != created).Select(SendParameter))})"))
        {
            code.Line($"var {name} = new {side.Class(createdType)}();");
            code.Line($"{method}({string.Join(", ", message.Args.Select(static arg => Naming.Camel(arg.Name)))});");
            code.Line($"return {name};");
        }

        code.Line();
    }

    private static string Note(ArgModel arg) => arg.Kind switch
    {
        ArgKind.Fd => "Borrowed: a duplicate is sent.",
        ArgKind.Object or ArgKind.String when arg.AllowNull => $"{arg.Name}; may be null.",
        _ => $"{arg.Name}.",
    };

    private static string IdLocal(ArgModel arg) => Naming.Camel(arg.Name).TrimStart('@') + "Id";

    private string SendParameter(ArgModel arg)
    {
        var name = Naming.Camel(arg.Name);
        var nullable = arg.AllowNull ? "?" : string.Empty;
        return arg.Kind switch
        {
            ArgKind.Int or ArgKind.UInt when arg.Enum is not null => $"{Naming.EnumType(type.Name, arg.Enum)} {name}",
            ArgKind.Int => $"int {name}",
            ArgKind.UInt => $"uint {name}",
            ArgKind.Fixed => $"WlFixed {name}",
            ArgKind.String => $"string{nullable} {name}",
            ArgKind.Array => $"System.ReadOnlySpan<byte> {name}",
            ArgKind.Fd => $"GuestSurfaces.Interop.FdHandle {name}",
            ArgKind.Object => arg.Interface is null ? $"uint {name}" : $"{side.Class(arg.Interface)}{nullable} {name}",
            _ => arg.Interface is null ? $"{side.BaseClass} {name}, uint version" : $"{side.Class(arg.Interface)} {name}",
        };
    }

    private static IEnumerable<string> Write(ArgModel arg)
    {
        var name = Naming.Camel(arg.Name);
        switch (arg.Kind)
        {
            case ArgKind.Int:
                yield return $"writer.WriteInt({(arg.Enum is null ? name : $"(int){name}")});";
                break;
            case ArgKind.UInt:
                yield return $"writer.WriteUInt({(arg.Enum is null ? name : $"(uint){name}")});";
                break;
            case ArgKind.Fixed:
                yield return $"writer.WriteFixed({name});";
                break;
            case ArgKind.String:
                yield return $"writer.WriteString({name});";
                break;
            case ArgKind.Array:
                yield return $"writer.WriteArray({name});";
                break;
            case ArgKind.Object when arg.Interface is null:
                yield return $"writer.WriteUInt({name});";
                break;
            case ArgKind.NewId when arg.Interface is null:
                yield return $"writer.WriteUtf8({name}.Interface.NameUtf8);";
                yield return "writer.WriteUInt(version);";
                yield return $"writer.WriteUInt({IdLocal(arg)});";
                break;
            case ArgKind.Object or ArgKind.NewId:
                yield return $"writer.WriteUInt({IdLocal(arg)});";
                break;
        }
    }

    private void Dispatch()
    {
        using (code.Block($"internal override void {side.DispatchMethod}(int opcode, scoped ref WireReader reader)"))
        {
            var incoming = side.Incoming(type);
            if (incoming.Count == 0)
                return;
            if (!side.IsServer)
            {
                using (code.Block("if (Listener is not { } listener)"))
                {
                    code.Line("SkipEvent(opcode, ref reader);");
                    code.Line("return;");
                }

                code.Line();
            }

            using (code.Block("switch (opcode)"))
            {
                foreach (var message in incoming)
                {
                    using (code.Block($"case {message.Opcode}:"))
                        Deliver(message);
                }
            }
        }
    }

    private void Deliver(MessageModel message)
    {
        foreach (var line in message.Args.SelectMany(Read))
            code.Line(line);
        code.Line("if (!reader.Complete())");
        using (code.Indented())
            code.Line("break;");

        // A client's object is a shell again before its last event is delivered: so that the listener can use it anew.
        if (message.IsDestructor && !side.IsServer)
            code.Line("Retire();");
        var args = string.Concat(message.Args.Select(Pass));
        code.Line($"{(side.IsServer ? "Handler?" : "listener")}.On{Naming.Pascal(message.Name)}(this{args});");
        if (message.IsDestructor && side.IsServer)
            code.Line("Retire();");
        code.Line("break;");
    }

    private string[] Read(ArgModel arg)
    {
        var name = Naming.Camel(arg.Name);
        var nullable = arg.AllowNull ? "true" : "false";
        return arg.Kind switch
        {
            ArgKind.Int or ArgKind.UInt when arg.Enum is not null => [$"var {name} = ({Naming.EnumType(type.Name, arg.Enum)})reader.ReadUInt();"],
            ArgKind.Int => [$"var {name} = reader.ReadInt();"],
            ArgKind.UInt => [$"var {name} = reader.ReadUInt();"],
            ArgKind.Fixed => [$"var {name} = reader.ReadFixed();"],
            ArgKind.String => [$"var {name} = reader.ReadString({nullable});"],
            ArgKind.Array => [$"var {name} = reader.ReadArray();"],
            ArgKind.Fd => [$"using var {name} = reader.ReadFd();"],
            ArgKind.Object when arg.Interface is null => [$"var {name} = reader.ReadObjectId({nullable});"],
            ArgKind.Object => [$"var {name} = ReadObject<{side.Class(arg.Interface)}>(ref reader, nullable: {nullable});"],
            _ when arg.Interface is null => [$"var {name}Interface = reader.ReadString(false);", $"var {name}Version = reader.ReadUInt();", $"var {name} = reader.ReadObjectId(false);"],
            _ => [$"var {name} = ReadNewObject(ref reader, new {side.Class(arg.Interface)}());"],
        };
    }

    private string Pass(ArgModel arg)
    {
        var name = Naming.Camel(arg.Name);
        return arg.Kind switch
        {
            ArgKind.NewId when arg.Interface is null => $", {name}Interface, {name}Version, {name}",
            ArgKind.Fd => $", {name}!",
            ArgKind.Object when side.IsServer && !arg.AllowNull && arg.Interface is not null => $", {name}!",
            _ => $", {name}",
        };
    }

    private void Receiver()
    {
        code.Summary(side.IsServer ? $"Handles the requests on a {type.Name}. Implement what is of interest." : $"Hears the events of a {type.Name}. Implement what is of interest.");
        using (code.Block($"public interface {_receiver}"))
        {
            var first = true;
            foreach (var message in side.Incoming(type))
            {
                if (!first)
                    code.Line();
                first = false;
                code.Summary(Describe(type, message, side.IsServer ? "Request" : "Event"));
                code.Line("/// <param name=\"sender\">The object.</param>");
                foreach (var arg in message.Args)
                {
                    if (arg is { Kind: ArgKind.NewId, Interface: null })
                    {
                        code.Line("/// <param name=\"interface\">Its interface.</param>");
                        code.Line("/// <param name=\"version\">Its version.</param>");
                    }

                    code.Line($"/// <param name=\"{Naming.Camel(arg.Name).TrimStart('@')}\">{ReceiveNote(arg)}</param>");
                }

                using (code.Block($"void On{Naming.Pascal(message.Name)}({_class} sender{string.Concat(message.Args.Select(ReceiveParameter))})"))
                {
                }
            }
        }
    }

    private string ReceiveNote(ArgModel arg) => arg.Kind switch
    {
        ArgKind.Fd => "Take it, or it is closed when the handler returns.",
        ArgKind.String => "UTF-8, valid until the handler returns.",
        ArgKind.Array => "Valid until the handler returns.",
        ArgKind.NewId => "The new object, yours from here on.",
        ArgKind.Object when !side.IsServer && arg.Interface is not null => "Null if it was destroyed here meanwhile.",
        _ => $"{arg.Name}.",
    };

    private string ReceiveParameter(ArgModel arg)
    {
        var name = Naming.Camel(arg.Name);
        return ", " + arg.Kind switch
        {
            ArgKind.Int or ArgKind.UInt when arg.Enum is not null => $"{Naming.EnumType(type.Name, arg.Enum)} {name}",
            ArgKind.Int => $"int {name}",
            ArgKind.UInt => $"uint {name}",
            ArgKind.Fixed => $"WlFixed {name}",
            ArgKind.String or ArgKind.Array => $"System.ReadOnlySpan<byte> {name}",
            ArgKind.Fd => $"GuestSurfaces.Interop.ReceivedFd {name}",
            ArgKind.Object when arg.Interface is null => $"uint {name}",
            ArgKind.Object => $"{side.Class(arg.Interface)}{(arg.AllowNull || !side.IsServer ? "?" : string.Empty)} {name}",
            _ => arg.Interface is null ? $"System.ReadOnlySpan<byte> @interface, uint version, uint {name}" : $"{side.Class(arg.Interface)} {name}",
        };
    }
}
