// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Sessions;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// The monitors that the guest sees, and the configuration space that tells it to look. Changes are collected first, since Linux answers each event with a
/// probe of every scanout and a hot-plug event to user space, and a window being dragged changes its size with every frame.
/// </summary>
internal sealed class MonitorState
{
    /// <summary>sizeof(virtio_gpu_config) without blob_alignment, which needs a feature of its own.</summary>
    public const int ConfigBytes = 16;

    /// <summary>How long changes are collected.</summary>
    public const long CoalesceNs = 80_000_000;

    private const uint EventDisplay = 1;
    private const int DisplayOneBytes = 24;
    private const int EdidOffset = 8;
    private const int EdidRoomBytes = 1024;

    private readonly Limits _limits;
    private readonly OutputMode[] _modes;
    private readonly OutputMode[] _wanted;
    private uint _eventsRead;

    public MonitorState(VirtioGpuOptions options, Limits limits)
    {
        _limits = limits;
        _modes = new OutputMode[options.ScanoutCount];
        for (var i = 0; i < Math.Min(options.InitialModes.Count, _modes.Length); i++)
            _modes[i] = options.InitialModes[i];
        _wanted = (OutputMode[])_modes.Clone();
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

    /// <summary>Notes what a scanout should become.</summary>
    /// <returns>Whether <see cref="Apply"/> has something to do.</returns>
    public bool Want(int scanout, in OutputMode mode)
    {
        if ((uint)scanout >= (uint)_modes.Length)
            return false;
        if (mode.Enabled && (Math.Min(mode.Size.Width, mode.Size.Height) < _limits.MinScanoutSide || Math.Max(mode.Size.Width, mode.Size.Height) > _limits.MaxDimension))
            return false;
        _wanted[scanout] = mode;
        return mode != _modes[scanout];
    }

    /// <summary>Lets the guest see what was wanted last.</summary>
    /// <returns>Whether anything changed: the driver must be told.</returns>
    public bool Apply()
    {
        if (_wanted.AsSpan().SequenceEqual(_modes))
            return false;
        _wanted.CopyTo(_modes.AsSpan());
        _eventsRead |= EventDisplay;
        return true;
    }

    /// <summary>The driver is gone: events it didn't see are void.</summary>
    public void Reset() => _eventsRead = 0;

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
}
