// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;

namespace GuestSurfaces.Interop;

/// <summary>The system's groups of users. Source: getgrnam_r(3).</summary>
public static unsafe class UserGroup
{
    private const int RecordBytes = 64 << 10; // a group's record has all its members

    /// <summary>A group's number.</summary>
    /// <param name="name">Its name, or the number itself.</param>
    /// <returns>Null if there is no such group.</returns>
    public static uint? TryFind(string name)
    {
        if (uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return number;
        var utf8 = Encoding.UTF8.GetBytes(name + '\0');
        var record = new byte[RecordBytes];
        // SAFETY: both are pinned for the call; the result points into the record, and only its number is read.
        fixed (byte* p = utf8)
        fixed (byte* buffer = record)
        {
            LibC.Group group;
            LibC.Group* found;
            return LibC.getgrnam_r(p, &group, buffer, (nuint)record.Length, &found) == 0 && found != null ? group.gr_gid : null;
        }
    }
}
