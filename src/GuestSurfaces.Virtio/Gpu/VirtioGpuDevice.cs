// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Sessions;
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// A 2D virtio-gpu with guest blobs: pictures go up to a display, answers go down to the guest. Answers to fenced flushes wait for the display; everything
/// else is answered at once, in any order, and no queue ever stands still for a display. Thread: the loop's. Source: virtio 1.3 §5.7.
/// </summary>
public sealed partial class VirtioGpuDevice : IVirtioDevice, IGuestTransport
{
    private const int ControlQueue = 0;
    private const int CursorQueue = 1;

    private readonly VirtioGpuOptions _options;
    private readonly IGuestDisplay _display;
    private readonly Limits _limits;
    private readonly GuestStatistics _statistics;
    private readonly MonitorState _monitors;
    private readonly GuestErrorLog _log;
    private readonly FloodGuard _flood = new();
    private readonly FenceTimelines _fences = new();
    private Attachment? _attached;

    /// <summary>Makes a device.</summary>
    /// <param name="display">Shows its frames: the guest's <see cref="Session"/>, whose transport this device is.</param>
    /// <param name="limits">The guest's.</param>
    /// <param name="statistics">Where to count.</param>
    /// <param name="options">What the guest sees.</param>
    /// <param name="logger">Hears of a guest's mistakes, a few of them.</param>
    public VirtioGpuDevice(IGuestDisplay display, Limits limits, GuestStatistics statistics, VirtioGpuOptions options, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ScanoutCount, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.ScanoutCount, Limits.MaxScanouts, nameof(options));
        _display = display;
        _limits = limits;
        _statistics = statistics;
        _options = options;
        _monitors = new MonitorState(options, limits);
        _flood.RefreshNs = _monitors.RefreshNs;
        _log = new GuestErrorLog(logger);
    }

    /// <inheritdoc/>
    public uint DeviceId => 16;

    /// <inheritdoc/>
    public ulong DeviceFeatures => (ulong)(
        (_options.OfferEdid ? VirtioGpuFeatures.Edid : 0)
        | (_options.OfferUuid ? VirtioGpuFeatures.ResourceUuid : 0)
        | (_options.OfferBlob ? VirtioGpuFeatures.ResourceBlob : 0));

    /// <inheritdoc/>
    public int QueueCount => 2;

    /// <inheritdoc/>
    public int ConfigSizeBytes => MonitorState.ConfigBytes;

    /// <summary>Resources that the guest has alive.</summary>
    public int ResourceCount => _attached?.Resources.Count ?? 0;

    /// <summary>Host memory that the guest's pixels take, spares and pictures still being read included. Units: bytes.</summary>
    public ulong HostPixelBytes => _attached?.PixelBudget.UsedBytes ?? 0;

    /// <summary>Answers to fenced commands that wait for the display: flushes, and what must not overtake one.</summary>
    public int HeldAnswers => _fences.Count;

    /// <summary>
    /// Hears of each mode that the guest is to see from now on, before its driver is told to look. For whoever can tell a driver whose VMM doesn't pass that on. Set before
    /// it is attached.
    /// </summary>
    public Action<int, OutputMode>? ModeApplied { get; set; }

    private Attachment Attached => _attached ?? throw new InvalidOperationException("the device was not attached to a carrier");

    /// <inheritdoc/>
    public void Attach(IVirtioHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        _attached = new Attachment(this, host);
    }

    /// <inheritdoc/>
    public void ReadConfig(Span<byte> destination) => _monitors.ReadConfig(destination);

    /// <inheritdoc/>
    public void WriteConfig(uint offset, ReadOnlySpan<byte> source) => _monitors.WriteConfig(offset, source);

    /// <inheritdoc/>
    public void SetFeatures(ulong features) => Attached.Processor.Features = (VirtioGpuFeatures)(features & DeviceFeatures);

    /// <inheritdoc/>
    public void MemoryChanged() => Attached.Processor.MemoryChanged();

    /// <inheritdoc/>
    public void Reset()
    {
        StopQueue(ControlQueue);
        StopQueue(CursorQueue);
        Attached.Processor.Reset();
    }

    /// <inheritdoc/>
    public void SetMode(int scanout, in OutputMode mode)
    {
        if (!_monitors.Want(scanout, in mode))
            return;
        if (_attached is not { } attached)
            ApplyModes();
        else if (!attached.ModeTimer.IsArmed)
            attached.ModeTimer.ArmIn(MonitorState.CoalesceNs);
    }

    /// <inheritdoc/>
    public void BufferRefused(int scanout, BufferStorage storage, string reason)
    {
        if (_attached is not { } attached)
            return;
        foreach (var refused in attached.Resources.All)
        {
            if (refused.Export.Storage != storage)
                continue;
            var shape = refused.Export.Shape;
            foreach (var resource in attached.Resources.All)
            {
                if (resource.Export.Storage is not null && resource.Export.Shape == shape)
                    resource.Export.Forget();
            }

            attached.Scanouts.Refuse(in shape, reason);
            return;
        }
    }

    /// <inheritdoc/>
    public void CopiesWanted(int scanout, string? reason)
    {
        if (_attached is { } attached && (uint)scanout < (uint)attached.Scanouts.Count)
            attached.Scanouts.WantCopies(scanout, reason);
    }

    /// <inheritdoc/>
    public void DisplayChanged() => _attached?.Scanouts.DisplayChanged();

    private void ApplyModes()
    {
        var now = _attached?.Clock.NowNs ?? 0;
        if (_monitors.IsUnderWay && now < _monitors.PatienceEndNs)
        {
            Attached.ModeTimer.ArmAt(_monitors.PatienceEndNs); // or as soon as the guest has followed
            return;
        }

        var changed = _monitors.Apply(_control is null ? null : Attached.Scanouts, now);
        if (changed == 0)
            return;
        _flood.RefreshNs = _monitors.RefreshNs;
        for (var i = 0; changed >> i != 0; i++)
        {
            if ((changed >> i & 1) != 0)
                ModeApplied?.Invoke(i, _monitors[i]);
        }

        // Only a driver hears of it; one that is still to come looks for itself. (QEMU 11.1's generic device dies of it before its machine has started.)
        if (_control is not null)
            Attached.Host.NotifyConfigChanged();
    }

    /// <summary>The guest has sent commands: if it has followed the last change, the next one is due.</summary>
    private void HearModes()
    {
        if (!_monitors.IsUnderWay)
            return;
        _monitors.Hear(Attached.Scanouts);
        if (!_monitors.IsUnderWay && _monitors.HasChanges)
            Attached.ModeTimer.ArmIn(MonitorState.CoalesceNs);
    }
}
