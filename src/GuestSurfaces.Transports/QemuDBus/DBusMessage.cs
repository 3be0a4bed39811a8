// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Text;

namespace GuestSurfaces.Transports.QemuDBus;

/// <summary>What kind of message it is. Source: D-Bus specification 0.43, "Message Format".</summary>
internal enum DBusMessageType : byte
{
    MethodCall = 1,
    MethodReturn = 2,
    Error = 3,
    Signal = 4,
}

/// <summary>What a peer's message says before its body.</summary>
/// <param name="Type">Its kind; others than the named ones are to be ignored.</param>
/// <param name="TotalBytes">Header, padding and body.</param>
/// <param name="ErrorName">An error's name; else empty.</param>
internal readonly record struct DBusHead(DBusMessageType Type, int TotalBytes, string ErrorName);

/// <summary>The little of D-Bus' wire format that calling a method takes: little-endian, no descriptors. Pure.</summary>
internal static class DBusMessage
{
    /// <summary>What a reply may be long; QEMU's are some hundred bytes.</summary>
    public const int MaxBytes = 16 * 1024;

    private const int FixedBytes = 16;
    private const byte Path = 1;
    private const byte Interface = 2;
    private const byte Member = 3;
    private const byte ErrorName = 4;
    private const byte Signature = 8;

    /// <summary>Puts a method call together.</summary>
    /// <param name="serial">Not 0.</param>
    /// <param name="path">The object.</param>
    /// <param name="type">The interface.</param>
    /// <param name="member">The method.</param>
    /// <param name="signature">Of its arguments.</param>
    /// <param name="body">The arguments, laid out.</param>
    public static byte[] Call(uint serial, string path, string type, string member, string signature, ReadOnlySpan<byte> body)
    {
        var message = new List<byte> { (byte)'l', (byte)DBusMessageType.MethodCall, 0, 1 };
        Add(message, (uint)body.Length);
        Add(message, serial);
        Add(message, 0); // the fields' length, known below
        AddField(message, Path, 'o', path);
        AddField(message, Interface, 's', type);
        AddField(message, Member, 's', member);
        AddField(message, Signature, 'g', signature);
        var fieldBytes = message.Count - FixedBytes;
        Align(message, 8);
        message.AddRange(body);
        var bytes = message.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), fieldBytes);
        return bytes;
    }

    /// <summary>Reads the head of what a peer sends.</summary>
    /// <param name="bytes">As many as have come.</param>
    /// <param name="head">The head, if it is all there.</param>
    /// <returns>False if this is no message of ours to understand, or too long: the connection is of no use any more.</returns>
    public static bool TryReadHead(ReadOnlySpan<byte> bytes, out DBusHead? head)
    {
        head = null;
        if (bytes.Length < FixedBytes)
            return true;
        var (body, fields) = (BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]), BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]));
        if (bytes[0] != 'l' || bytes[3] != 1 || body > MaxBytes || fields > MaxBytes)
            return false;
        var fieldsEnd = FixedBytes + (int)fields;
        var total = AlignUp(fieldsEnd, 8) + (int)body;
        if (total > MaxBytes)
            return false;
        if (bytes.Length < total)
            return true;
        if (!TryFindErrorName(bytes[..fieldsEnd], out var name))
            return false;
        head = new DBusHead((DBusMessageType)bytes[1], total, name);
        return true;
    }

    // Fields are structs of a code and a variant; of the variants' types only those of the specification's own fields are known.
    private static bool TryFindErrorName(ReadOnlySpan<byte> header, out string name)
    {
        name = string.Empty;
        for (var at = FixedBytes; at < header.Length;)
        {
            at = AlignUp(at, 8);
            if (at + 4 > header.Length || header[at + 1] != 1 || header[at + 3] != 0)
                return false;
            var (code, type) = (header[at], header[at + 2]);
            at += 4;
            if (type == 'u')
            {
                at += sizeof(uint);
            }
            else if (type is (byte)'s' or (byte)'o' or (byte)'g')
            {
                var prefix = type == 'g' ? 1 : sizeof(uint);
                if (at + prefix > header.Length)
                    return false;
                var length = type == 'g' ? header[at] : BinaryPrimitives.ReadUInt32LittleEndian(header[at..]);
                at += prefix;
                if (length >= (uint)(header.Length - at))
                    return false;
                if (code == ErrorName)
                    name = Encoding.UTF8.GetString(header.Slice(at, (int)length));
                at += (int)length + 1;
            }
            else
            {
                return false;
            }

            if (at > header.Length)
                return false;
        }

        return true;
    }

    private static void AddField(List<byte> message, byte code, char type, string value)
    {
        Align(message, 8);
        message.AddRange([code, 1, (byte)type, 0]);
        var text = Encoding.UTF8.GetBytes(value);
        if (type == 'g')
            message.Add((byte)text.Length);
        else
            Add(message, (uint)text.Length);
        message.AddRange(text);
        message.Add(0);
    }

    private static void Add(List<byte> message, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        message.AddRange(bytes);
    }

    private static void Align(List<byte> message, int to)
    {
        while (message.Count % to != 0)
            message.Add(0);
    }

    private static int AlignUp(int value, int to) => (value + to - 1) / to * to;
}
