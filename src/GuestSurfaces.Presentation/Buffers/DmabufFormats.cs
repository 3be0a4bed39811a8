// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>
/// Which pairs of format and modifier the compositor imports: told by events on bind (version 3), or by the default feedback's table and
/// tranches (from version 4 on, anew whenever they change). Source: linux-dmabuf-v1 v5.
/// </summary>
internal sealed class DmabufFormats : IZwpLinuxDmabufV1Listener, IZwpLinuxDmabufFeedbackV1Listener
{
    private const int EntryBytes = 16;

    // 4096 formats with 16 modifiers each is more than any driver has.
    private const uint MaxTableBytes = 1 << 20;

    private HashSet<(uint Format, ulong Modifier)> _pairs = [];
    private HashSet<(uint Format, ulong Modifier)> _coming = [];
    private byte[] _table = [];

    /// <summary>Starts listening.</summary>
    /// <param name="dmabuf">Just bound.</param>
    public DmabufFormats(ZwpLinuxDmabufV1 dmabuf)
    {
        ArgumentNullException.ThrowIfNull(dmabuf);
        dmabuf.Listener = this;
        if (dmabuf.Version >= 4)
            dmabuf.GetDefaultFeedback().Listener = this;
    }

    /// <summary>Whether the compositor takes this pair.</summary>
    /// <param name="format">The format.</param>
    /// <param name="modifier">The layout.</param>
    public bool Contains(DrmFormat format, DrmModifier modifier) => _pairs.Contains((format.Fourcc, modifier.Value));

    void IZwpLinuxDmabufV1Listener.OnModifier(ZwpLinuxDmabufV1 sender, uint format, uint modifierHi, uint modifierLo) =>
        _pairs.Add((format, ((ulong)modifierHi << 32) | modifierLo));

    void IZwpLinuxDmabufFeedbackV1Listener.OnFormatTable(ZwpLinuxDmabufFeedbackV1 sender, ReceivedFd fd, uint size)
    {
        // Read by system calls, not through a mapping as the protocol suggests: a table that is cut short is an error then, not a SIGBUS.
        _table = [];
        var file = fd.Take<FileHandle>();
        if (size > MaxTableBytes)
        {
            file.Dispose();
            return;
        }

        using var region = SharedRegion.TryOpen(file, 0, size, mayMap: false, out _);
        var table = new byte[size];
        if (region is not null && region.TryRead(0, table))
            _table = table;
    }

    void IZwpLinuxDmabufFeedbackV1Listener.OnTrancheFormats(ZwpLinuxDmabufFeedbackV1 sender, ReadOnlySpan<byte> indices)
    {
        foreach (var index in MemoryMarshal.Cast<byte, ushort>(indices))
        {
            if ((index + 1) * EntryBytes > _table.Length)
                continue;
            var entry = _table.AsSpan(index * EntryBytes, EntryBytes);
            _coming.Add((MemoryMarshal.Read<uint>(entry), MemoryMarshal.Read<ulong>(entry[8..])));
        }
    }

    void IZwpLinuxDmabufFeedbackV1Listener.OnDone(ZwpLinuxDmabufFeedbackV1 sender)
    {
        _pairs = _coming;
        _coming = [];
    }
}
