// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Sessions;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// The monitors that the guest sees, and the configuration space that tells it to look. Changes are collected first, since Linux answers each event with a
/// probe of every scanout and a hot-plug event to user space, and a window being dragged changes its size with every frame.
/// <para>
/// One change is on its way at a time: the next is announced when the guest has looked, and shows something of another size on every scanout whose size was changed.
/// What is wanted meanwhile replaces what was wanted before. A guest that goes its own way is waited for, but not for long.
/// </para>
/// </summary>
internal sealed class MonitorState
{
    /// <summary>sizeof(virtio_gpu_config) without blob_alignment, which needs a feature of its own.</summary>
    public const int ConfigBytes = 16;

    /// <summary>How long changes are collected.</summary>
    public const long CoalesceNs = 80_000_000;

    /// <summary>How long a change may be on its way: mode changes take a guest's desktop some tenths of a second, ten times that in an emulated CPU.</summary>
    public const long PatienceNs = 2_000_000_000;

    private const uint EventDisplay = 1;
    private const int DisplayOneBytes = 24;
    private const int EdidOffset = 8;
    private const int EdidRoomBytes = 1024;

    private readonly Limits _limits;
    private readonly OutputMode[] _modes;
    private readonly OutputMode[] _wanted;
    private readonly BufferSize[] _shownBefore;
    private uint _eventsRead;
    private uint _unanswered;
    private bool _isUnread;

    public MonitorState(VirtioGpuOptions options, Limits limits)
    {
        _limits = limits;
        _modes = new OutputMode[options.ScanoutCount];
        for (var i = 0; i < Math.Min(options.InitialModes.Count, _modes.Length); i++)
            _modes[i] = options.InitialModes[i];
        _wanted = (OutputMode[])_modes.Clone();
        _shownBefore = new BufferSize[_modes.Length];
    }

    /// <summary>How long the shortest refresh of all monitors is.</summary>
    public long RefreshNs
    {
        get
        {
            var milliHz = 0;
            foreach (ref readonly var mode in _modes.AsSpan())
                milliHz = Math.Max(milliHz, mode.RefreshMilliHz);
            return 1_000_000_000_000 / (milliHz > 0 ? milliHz : VirtioGpuOptions.DefaultMode.RefreshMilliHz);
        }
    }

    /// <summary>Whether the guest has been told of a change and hasn't followed it.</summary>
    public bool IsUnderWay => _isUnread || _unanswered != 0;

    /// <summary>When nobody waits for it any longer.</summary>
    public long PatienceEndNs { get; private set; }

    /// <summary>Whether <see cref="Apply"/> has something to do.</summary>
    public bool HasChanges => !_wanted.AsSpan().SequenceEqual(_modes);

    /// <summary>What the guest sees on a scanout.</summary>
    public OutputMode this[int scanout] => _modes[scanout];

    /// <summary>Notes what a scanout should become.</summary>
    /// <returns>Whether it would change.</returns>
    public bool Want(int scanout, in OutputMode mode)
    {
        if ((uint)scanout >= (uint)_modes.Length)
            return false;
        // An unplugged monitor's size is kept for when it is plugged in again.
        var wanted = mode.Size != default ? mode : mode with { Size = _wanted[scanout].Size == default ? VirtioGpuOptions.DefaultMode.Size : _wanted[scanout].Size };
        if (wanted.Enabled && (Math.Min(wanted.Size.Width, wanted.Size.Height) < _limits.MinScanoutSide || Math.Max(wanted.Size.Width, wanted.Size.Height) > _limits.MaxDimension))
            return false;
        if (!wanted.Enabled && !_wanted[scanout].Enabled)
            return false;
        _wanted[scanout] = wanted;
        return wanted != _modes[scanout];
    }

    /// <summary>Lets the guest see what was wanted last. Its driver must be told.</summary>
    /// <param name="shown">What it shows now; null: there is no driver to wait for.</param>
    /// <param name="nowNs">Now.</param>
    /// <returns>The scanouts that changed, a bit each.</returns>
    public uint Apply(ScanoutSet? shown, long nowNs)
    {
        uint changed = 0;
        _unanswered = 0;
        for (var i = 0; i < _modes.Length; i++)
        {
            if (_wanted[i] == _modes[i])
                continue;
            changed |= 1u << i;
            _modes[i] = _wanted[i];
            if (shown is null)
                continue;
            _shownBefore[i] = shown.SizeOf(i);
            _unanswered |= _shownBefore[i] == SizeOf(in _modes[i]) ? 0 : 1u << i;
        }

        _isUnread = shown is not null && changed != 0;
        _eventsRead |= changed != 0 ? EventDisplay : 0;
        PatienceEndNs = nowNs + PatienceNs;
        return changed;
    }

    /// <summary>The guest has sent commands: it may have followed.</summary>
    /// <param name="shown">What it shows now.</param>
    public void Hear(ScanoutSet shown)
    {
        for (var i = 0; i < _modes.Length; i++)
        {
            // Drivers turn a scanout off before they set its mode: that is no answer yet. Another size than the wanted one is: drivers round.
            if ((_unanswered >> i & 1) != 0 && shown.SizeOf(i) is var size && (_modes[i].Enabled ? size != default && size != _shownBefore[i] : size == default))
                _unanswered &= ~(1u << i);
        }
    }

    /// <summary>The driver is gone: events it didn't see are void.</summary>
    public void Reset()
    {
        _eventsRead = 0;
        StopWaiting();
    }

    /// <summary>Nobody follows any more.</summary>
    public void StopWaiting()
    {
        _unanswered = 0;
        _isUnread = false;
    }

    /// <summary>events_read, events_clear, num_scanouts, num_capsets. Source: virtio 1.3 §5.7.4.</summary>
    public void ReadConfig(Span<byte> destination)
    {
        destination.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(destination, _eventsRead);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], (uint)_modes.Length);
    }

    /// <summary>Only events_clear can be written, in pieces of any size: its ones clear events_read.</summary>
    public void WriteConfig(uint offset, ReadOnlySpan<byte> source)
    {
        for (var i = 0; i < source.Length; i++)
        {
            var at = offset + (uint)i;
            if (at is >= 4 and < 8)
                _eventsRead &= ~((uint)source[i] << (int)((at - 4) * 8));
        }
    }

    /// <summary>GET_DISPLAY_INFO: sixteen rectangles. A scanout that isn't enabled has nothing plugged in.</summary>
    public VirtioGpuResponse DisplayInfo(GpuReply reply)
    {
        _isUnread = false;
        var payload = reply.Payload(Limits.MaxScanouts * DisplayOneBytes);
        for (var i = 0; i < _modes.Length; i++)
        {
            ref readonly var mode = ref _modes[i];
            if (!mode.Enabled)
                continue;
            var one = payload[(i * DisplayOneBytes)..];
            BinaryPrimitives.WriteInt32LittleEndian(one[8..], mode.Size.Width);
            BinaryPrimitives.WriteInt32LittleEndian(one[12..], mode.Size.Height);
            BinaryPrimitives.WriteUInt32LittleEndian(one[16..], 1);
        }

        return VirtioGpuResponse.OkDisplayInfo;
    }

    /// <summary>GET_EDID: its preferred timing is the size in the display info, or Linux drops it.</summary>
    public VirtioGpuResponse Edid(uint scanout, GpuReply reply)
    {
        if (scanout >= (uint)_modes.Length)
            return VirtioGpuResponse.InvalidParameter;
        ref readonly var mode = ref _modes[scanout];
        var payload = reply.Payload(EdidOffset + EdidRoomBytes);
        var length = EdidBuilder.Build(payload[EdidOffset..], mode.Enabled ? mode : VirtioGpuOptions.DefaultMode, (int)scanout);
        BinaryPrimitives.WriteInt32LittleEndian(payload, length);
        return VirtioGpuResponse.OkEdid;
    }

    private static BufferSize SizeOf(in OutputMode mode) => mode.Enabled ? mode.Size : default;
}
