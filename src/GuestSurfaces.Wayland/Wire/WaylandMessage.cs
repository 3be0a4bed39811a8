// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Wayland;

/// <summary>What is known about a request or event at run time: enough to walk, rewrite or drop it without its type.</summary>
public sealed class WaylandMessage
{
    /// <summary>Describes a message.</summary>
    /// <param name="name">Its name in the XML.</param>
    /// <param name="signature">One letter per wire argument (i u f s a h o n, <c>?</c> before what may be null); a new_id without interface is <c>sun</c>.</param>
    /// <param name="since">The interface version that brought it.</param>
    /// <param name="isDestructor">Whether the object is gone after it.</param>
    /// <param name="types">Interfaces of the object and new_id arguments in order; null where the protocol leaves it open.</param>
    public WaylandMessage(string name, string signature, uint since, bool isDestructor, params string?[] types)
    {
        Name = name;
        Signature = signature;
        Since = since;
        IsDestructor = isDestructor;
        Types = types;
        FdCount = signature.Count(letter => letter == 'h');
        var objects = signature.Where(letter => letter is 'o' or 'n').ToArray();
        var created = Array.IndexOf(objects, 'n');
        NewIdInterface = created < 0 ? null : types[created];
    }

    /// <summary>Its name in the XML.</summary>
    public string Name { get; }

    /// <summary>One letter per wire argument, <c>?</c> before what may be null.</summary>
    public string Signature { get; }

    /// <summary>The interface version that brought it.</summary>
    public uint Since { get; }

    /// <summary>Whether the object is gone after it.</summary>
    public bool IsDestructor { get; }

    /// <summary>Interfaces of the object and new_id arguments in order.</summary>
    public IReadOnlyList<string?> Types { get; }

    /// <summary>How many descriptors come with it.</summary>
    public int FdCount { get; }

    /// <summary>The interface of the object it creates; null if none, or if the message itself says (wl_registry.bind).</summary>
    public string? NewIdInterface { get; }

    /// <inheritdoc/>
    public override string ToString() => $"{Name}({Signature})";
}
