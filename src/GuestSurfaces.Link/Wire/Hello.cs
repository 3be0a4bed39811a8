// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Link.Wire;

/// <summary>The first message of either side: both say, and hear, the same.</summary>
internal static class Hello
{
    /// <summary>Writes it.</summary>
    /// <param name="writer">An empty packet.</param>
    /// <param name="opcode">The side's.</param>
    /// <param name="features">What it has.</param>
    /// <param name="wishes">What it wants.</param>
    /// <param name="name">What it calls itself.</param>
    public static void Write(LinkWriter writer, LinkOpcode opcode, uint features, uint wishes, string name)
    {
        writer.Begin(opcode);
        writer.Put(new HelloBody
        {
            Magic = HelloBody.GoodMagic,
            OldestVersion = HelloBody.Version,
            NewestVersion = HelloBody.Version,
            Features = features,
            Wishes = wishes,
        });
        writer.PutText(name, LinkLimits.NameBytes);
        writer.End();
    }

    /// <summary>Reads it.</summary>
    /// <param name="head">Of the first message.</param>
    /// <param name="opcode">What it should be.</param>
    /// <param name="reader">At its body.</param>
    /// <param name="body">What it says.</param>
    /// <param name="name">What the peer calls itself.</param>
    /// <param name="code">Of what is wrong, if something is.</param>
    /// <returns>What is wrong; null if nothing is.</returns>
    public static string? Read(in MessageHead head, LinkOpcode opcode, ref LinkReader reader, out HelloBody body, out string name, out ByeCode code)
    {
        (body, name, code) = (default, string.Empty, ByeCode.Rule);
        if (head.Opcode != opcode || !reader.TryTake(out body) || body.Magic != HelloBody.GoodMagic)
            return "its first message is no HELLO";
        if (!reader.TryTakeText(out name, LinkLimits.NameBytes) || !reader.IsDone)
            return "its HELLO is malformed";
        code = ByeCode.Version;
        return body.OldestVersion > HelloBody.Version || body.NewestVersion < HelloBody.Version
            ? $"it speaks versions {body.OldestVersion} to {body.NewestVersion}, not {HelloBody.Version}"
            : null;
    }
}
