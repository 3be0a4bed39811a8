// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>A tranche as a fake compositor sends it.</summary>
public sealed record FakeTranche(bool IsScanout, params (DrmFormat Format, DrmModifier Modifier)[] Pairs)
{
    public ulong Device { get; init; } = 0xe280;
}

/// <summary>zwp_linux_dmabuf_feedback_v1: in general, or of one surface.</summary>
public sealed class FakeFeedback(FakeDmabuf dmabuf, ZwpLinuxDmabufFeedbackV1Resource resource, FakeSurface? surface)
{
    public const ulong MainDevice = 0xe281;

    /// <summary>One entry ahead in each table that no tranche names, so that indices matter.</summary>
    public static readonly DrmModifier Unnamed = new(0x0102_0304_0506_0708);

    private readonly List<(DrmFormat Format, DrmModifier Modifier)> _table = [];

    public ZwpLinuxDmabufFeedbackV1Resource Resource => resource;

    public FakeSurface? Surface => surface;

    /// <summary>Says something new.</summary>
    /// <param name="tranches">In order of preference.</param>
    /// <param name="withTable">Or indices into the table that was sent last.</param>
    /// <param name="withDone">Or all but the last word.</param>
    public void Send(IReadOnlyList<FakeTranche> tranches, bool withTable = true, bool withDone = true)
    {
        if (withTable)
        {
            _table.Clear();
            _table.Add((DrmFormat.Argb8888, Unnamed));
            _table.AddRange(tranches.SelectMany(static tranche => tranche.Pairs).Distinct());
            var entries = _table.SelectMany(static pair => new ulong[] { pair.Format.Fourcc, pair.Modifier.Value }).ToArray();
            SendTable(MemoryMarshal.AsBytes(entries.AsSpan()), (uint)entries.Length * sizeof(ulong));
        }

        resource.SendMainDevice(BitConverter.GetBytes(MainDevice));
        foreach (var tranche in tranches)
        {
            resource.SendTrancheTargetDevice(BitConverter.GetBytes(tranche.Device));
            resource.SendTrancheFlags(tranche.IsScanout ? ZwpLinuxDmabufFeedbackV1TrancheFlags.Scanout : 0);
            resource.SendTrancheFormats(MemoryMarshal.AsBytes(tranche.Pairs.Select(pair => (ushort)_table.IndexOf(pair)).ToArray().AsSpan()));
            resource.SendTrancheDone();
            dmabuf.Advertise(tranche.Pairs);
        }

        if (withDone)
            resource.SendDone();
    }

    /// <summary>Sends a table of any bytes, and says any size.</summary>
    public void SendTable(ReadOnlySpan<byte> bytes, uint saidBytes)
    {
        using var region = SharedRegion.TryOpen(MemFdHandle.TryCreateSealed("format-table", (ulong)bytes.Length, out _)!, 0, (ulong)bytes.Length, mayMap: true, out _)!;
        region.TryWrite(0, bytes);
        resource.SendFormatTable(region.File, saidBytes);
    }
}
