// SPDX-License-Identifier: MIT
using System.Linq;

namespace GuestSurfaces.Wayland.Scanner;

/// <summary>One XML file.</summary>
/// <param name="Name">The protocol's name.</param>
/// <param name="Path">The file, for diagnostics.</param>
/// <param name="Interfaces">In file order.</param>
/// <param name="Problems">What is wrong with it; a file with problems isn't emitted.</param>
public sealed record ProtocolModel(string Name, string Path, EquatableArray<InterfaceModel> Interfaces, EquatableArray<ScanProblem> Problems);

/// <summary>An interface.</summary>
/// <param name="Name">Its name on the wire.</param>
/// <param name="Version">The version described.</param>
/// <param name="Summary">What it is, in a few words; may be empty.</param>
/// <param name="Line">Where it stands, for diagnostics.</param>
/// <param name="Requests">By opcode.</param>
/// <param name="Events">By opcode.</param>
/// <param name="Enums">In file order.</param>
public sealed record InterfaceModel(
    string Name, uint Version, string Summary, int Line, EquatableArray<MessageModel> Requests, EquatableArray<MessageModel> Events, EquatableArray<EnumModel> Enums);

/// <summary>A request or an event.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Opcode">Its position.</param>
/// <param name="Since">The version that brought it.</param>
/// <param name="IsDestructor">Whether the object is gone after it.</param>
/// <param name="Summary">What it does; may be empty.</param>
/// <param name="Line">Where it stands.</param>
/// <param name="Args">Its arguments.</param>
public sealed record MessageModel(string Name, int Opcode, uint Since, bool IsDestructor, string Summary, int Line, EquatableArray<ArgModel> Args)
{
    /// <summary>The signature that the run-time table carries.</summary>
    public string Signature => string.Concat(Args.Select(static arg => (arg.AllowNull ? "?" : string.Empty) + arg.Kind switch
    {
        ArgKind.Int => "i",
        ArgKind.UInt => "u",
        ArgKind.Fixed => "f",
        ArgKind.String => "s",
        ArgKind.Array => "a",
        ArgKind.Fd => "h",
        ArgKind.Object => "o",
        _ => arg.Interface is null ? "sun" : "n",
    }));
}

/// <summary>An argument.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">Its wire type.</param>
/// <param name="Interface">Of an object or new_id; null if left open.</param>
/// <param name="Enum">"enum" or "interface.enum"; null for plain numbers.</param>
/// <param name="AllowNull">Whether it may be null.</param>
public sealed record ArgModel(string Name, ArgKind Kind, string? Interface, string? Enum, bool AllowNull);

/// <summary>Wire types.</summary>
public enum ArgKind
{
    /// <summary>Signed.</summary>
    Int,

    /// <summary>Unsigned.</summary>
    UInt,

    /// <summary>24.8.</summary>
    Fixed,

    /// <summary>Text.</summary>
    String,

    /// <summary>Bytes.</summary>
    Array,

    /// <summary>A descriptor.</summary>
    Fd,

    /// <summary>An existing object.</summary>
    Object,

    /// <summary>An object that begins with this message.</summary>
    NewId,
}

/// <summary>An enumeration.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsBitfield">Whether values combine.</param>
/// <param name="Line">Where it stands.</param>
/// <param name="Entries">Its values.</param>
public sealed record EnumModel(string Name, bool IsBitfield, int Line, EquatableArray<EntryModel> Entries);

/// <summary>A value of an enumeration.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">The number.</param>
/// <param name="Since">The version that brought it.</param>
public sealed record EntryModel(string Name, uint Value, uint Since);

/// <summary>Something wrong in an XML file.</summary>
/// <param name="Path">The file.</param>
/// <param name="Line">The line, from 1; 0 if unknown.</param>
/// <param name="Message">What is wrong.</param>
public sealed record ScanProblem(string Path, int Line, string Message);
