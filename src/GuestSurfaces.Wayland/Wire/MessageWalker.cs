// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Wayland;

/// <summary>Goes through a message by its signature, knowing no types.</summary>
internal static class MessageWalker
{
    /// <summary>Whether a body has exactly the form that its description says. Descriptors aren't looked at.</summary>
    /// <param name="message">The description.</param>
    /// <param name="body">The message without its header.</param>
    public static WireError Check(WaylandMessage message, ReadOnlySpan<byte> body)
    {
        ArgumentNullException.ThrowIfNull(message);
        var reader = new WireReader(body);
        var nullable = false;
        foreach (var letter in message.Signature)
        {
            switch (letter)
            {
                case '?':
                    nullable = true;
                    continue;
                case 's':
                    reader.ReadString(nullable);
                    break;
                case 'a':
                    reader.ReadArray();
                    break;
                case 'o' or 'n':
                    reader.ReadObjectId(nullable);
                    break;
                case not 'h':
                    reader.ReadUInt();
                    break;
            }

            nullable = false;
        }

        reader.Complete();
        return reader.Error;
    }
}
