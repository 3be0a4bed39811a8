// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>
/// Listens to what a compositor says about dma-bufs, in general or on one surface. From version 4 on it sends a table of pairs and tranches of
/// indices into it, anew whenever something changes, and what it has said counts from its "done" on; in version 3 it sends pairs once, after bind.
/// Numbers that make no sense are passed over: what isn't understood isn't offered. Source: linux-dmabuf-v1 v5.
/// </summary>
internal sealed class DmabufFeedbackReader : IZwpLinuxDmabufV1Listener, IZwpLinuxDmabufFeedbackV1Listener
{
    private const int EntryBytes = 16;

    // All that an index of two bytes reaches; drivers have some hundreds.
    private const int MaxPairs = 1 << 16;
    private const uint MaxTableBytes = MaxPairs * EntryBytes;

    // One for each device and each kind of plane: compositors send two or three.
    private const int MaxTranches = 64;

    private readonly ZwpLinuxDmabufFeedbackV1? _proxy;
    private readonly Action _changed;
    private byte[] _table = [];
    private ulong? _comingMainDevice;
    private List<DmabufTranche> _comingTranches = [];
    private HashSet<DmabufPair> _pairs = [];
    private ulong _device;
    private bool _isScanout;
    private int _pairsLeft = MaxPairs;
    private DmabufFeedback _current = DmabufFeedback.None;
    private bool _isStale;

    /// <summary>Listens to what is said in general.</summary>
    /// <param name="dmabuf">Just bound; version 3 or later.</param>
    /// <param name="changed">Told when <see cref="Current"/> is another. Not told of version 3's events, which a roundtrip after bind collects.</param>
    public DmabufFeedbackReader(ZwpLinuxDmabufV1 dmabuf, Action changed)
    {
        ArgumentNullException.ThrowIfNull(dmabuf);
        _changed = changed;
        if (dmabuf.Version >= 4)
        {
            _proxy = dmabuf.GetDefaultFeedback();
            _proxy.Listener = this;
        }
        else
        {
            dmabuf.Listener = this;
        }
    }

    /// <summary>Listens to what is said about one surface.</summary>
    /// <param name="dmabuf">Version 4 or later.</param>
    /// <param name="surface">Outlives this.</param>
    /// <param name="changed">Told when <see cref="Current"/> is another.</param>
    public DmabufFeedbackReader(ZwpLinuxDmabufV1 dmabuf, WlSurface surface, Action changed)
    {
        ArgumentNullException.ThrowIfNull(dmabuf);
        _changed = changed;
        _proxy = dmabuf.GetSurfaceFeedback(surface);
        _proxy.Listener = this;
    }

    /// <summary>What holds now; <see cref="DmabufFeedback.None"/> until the compositor has spoken.</summary>
    public DmabufFeedback Current
    {
        get
        {
            // Nothing says which of version 3's events is the last one.
            if (_isStale)
                _current = new DmabufFeedback(null, [new DmabufTranche(0, IsScanout: false, new HashSet<DmabufPair>(_pairs))]);
            _isStale = false;
            return _current;
        }
    }

    /// <summary>Stops listening, before the surface goes.</summary>
    public void Destroy() => _proxy?.Destroy();

    void IZwpLinuxDmabufV1Listener.OnModifier(ZwpLinuxDmabufV1 sender, uint format, uint modifierHi, uint modifierLo)
    {
        _isStale = true;
        AddPair(new DmabufPair(new DrmFormat(format), new DrmModifier(((ulong)modifierHi << 32) | modifierLo)));
    }

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

    void IZwpLinuxDmabufFeedbackV1Listener.OnMainDevice(ZwpLinuxDmabufFeedbackV1 sender, ReadOnlySpan<byte> device) => _comingMainDevice = ToDevice(device);

    void IZwpLinuxDmabufFeedbackV1Listener.OnTrancheTargetDevice(ZwpLinuxDmabufFeedbackV1 sender, ReadOnlySpan<byte> device) => _device = ToDevice(device);

    void IZwpLinuxDmabufFeedbackV1Listener.OnTrancheFlags(ZwpLinuxDmabufFeedbackV1 sender, ZwpLinuxDmabufFeedbackV1TrancheFlags flags) =>
        _isScanout = (flags & ZwpLinuxDmabufFeedbackV1TrancheFlags.Scanout) != 0;

    void IZwpLinuxDmabufFeedbackV1Listener.OnTrancheFormats(ZwpLinuxDmabufFeedbackV1 sender, ReadOnlySpan<byte> indices)
    {
        // The table stays from one feedback to the next: only what has changed is sent again.
        foreach (var index in MemoryMarshal.Cast<byte, ushort>(indices))
        {
            if ((index + 1) * EntryBytes > _table.Length)
                continue;
            var entry = _table.AsSpan(index * EntryBytes, EntryBytes);
            AddPair(new DmabufPair(new DrmFormat(MemoryMarshal.Read<uint>(entry)), new DrmModifier(MemoryMarshal.Read<ulong>(entry[8..]))));
        }
    }

    void IZwpLinuxDmabufFeedbackV1Listener.OnTrancheDone(ZwpLinuxDmabufFeedbackV1 sender)
    {
        if (_pairs.Count > 0 && _comingTranches.Count < MaxTranches)
            _comingTranches.Add(new DmabufTranche(_device, _isScanout, _pairs));
        BeginTranche();
    }

    void IZwpLinuxDmabufFeedbackV1Listener.OnDone(ZwpLinuxDmabufFeedbackV1 sender)
    {
        var said = new DmabufFeedback(_comingMainDevice ?? 0, _comingTranches);
        _comingMainDevice = null;
        _comingTranches = [];
        _pairsLeft = MaxPairs;
        BeginTranche();
        if (_current != DmabufFeedback.None && said.Says(_current))
            return;
        _current = said;
        _changed();
    }

    private static ulong ToDevice(ReadOnlySpan<byte> device) => device.Length == sizeof(ulong) ? MemoryMarshal.Read<ulong>(device) : 0;

    private void BeginTranche()
    {
        _pairs = [];
        _device = 0;
        _isScanout = false;
    }

    private void AddPair(DmabufPair pair)
    {
        if (_pairsLeft > 0 && _pairs.Add(pair))
            _pairsLeft--;
    }
}
