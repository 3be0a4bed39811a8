// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Core.Sessions;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>All scanouts of a guest: which resource is where, and the frames that flushes make of it.</summary>
internal sealed class ScanoutSet
{
    /// <summary>Linux flushes after SET_SCANOUT; firmware and other drivers may rely on the command alone. Longer than the gap between the two, about a refresh.</summary>
    public const long WholeDelayNs = 20_000_000;

    private static readonly RungReport s_plain2D = new(
        Rung.Copy,
        "2D resource: the guest may draw into its pages at any time, so rows are copied when it says TRANSFER",
        "a VMM that passes RESOURCE_BLOB on (QEMU 10.2 or newer, its generic device) lets the guest share its framebuffer; --alias-2d shows the pages as they are, and may tear");

    private static readonly RungReport s_unreadable = new(
        Rung.Copy,
        "the guest's pages can't be read: its VMM has cut their memory, or taken it away",
        "restart the VM; memory that is sealed against shrinking, as QEMU's memory-backend-memfd is, can't be cut");

    private const string CopiesRemedy = "nothing: its pages are shown again when its frames have been taken for a while (--zero-copy always shows them in any case, and may tear)";

    private readonly ScanoutState[] _scanouts;
    private readonly IGuestDisplay _display;
    private readonly GuestStatistics _statistics;
    private readonly IGuestBufferExporter _exporter;
    private readonly GuestMemory _memory;
    private readonly LoopTimer _wholeTimer;
    private readonly LoopTimer _rungTimer;
    private readonly RefusedShapes _refused = new();
    private readonly bool _aliases2D;
    private readonly IClock _clock;
    private ulong _lastSerial;

    public ScanoutSet(IGuestDisplay display, GuestStatistics statistics, HostPixelBudget budget, VirtioGpuOptions options, IVirtioHost host)
    {
        _scanouts = new ScanoutState[options.ScanoutCount];
        for (var i = 0; i < _scanouts.Length; i++)
            _scanouts[i] = new ScanoutState(budget, statistics);
        _display = display;
        _statistics = statistics;
        _exporter = options.Exporter;
        _aliases2D = options.Alias2D;
        _memory = host.Memory;
        _clock = host.Timers.Clock;
        _wholeTimer = host.Timers.Create(PresentOverdue);
        _rungTimer = host.Timers.Create(ChooseRungs);
    }

    public int Count => _scanouts.Length;

    /// <summary>How much of a picture a scanout shows; empty while it is off.</summary>
    public BufferSize SizeOf(int scanout) => _scanouts[scanout] is { Resource: not null, Visible: var visible } ? visible.Size : default;

    /// <summary>Shows a part of a 2D resource, perhaps without a copy. The picture appears with its next flush, or soon without.</summary>
    public void Show(int scanout, Resource2D resource, BufferRect visible, long poppedNs)
    {
        if (!_scanouts[scanout].Show(resource, visible, poppedNs))
            return;
        ChooseRung(_scanouts[scanout]);
        OweWhole(_scanouts[scanout]);
    }

    /// <summary>Shows a picture in a blob, without a copy if that is possible.</summary>
    public void Show(int scanout, GuestBlobResource blob, in BlobFramebuffer framebuffer, BufferRect visible, long poppedNs)
    {
        if (!_scanouts[scanout].Show(blob, in framebuffer, visible, poppedNs))
            return;
        ChooseRung(_scanouts[scanout]);
        OweWhole(_scanouts[scanout]);
    }

    /// <summary>Guest RAM changed, and buffers made of it are void: tries again for what is on screen.</summary>
    public void MemoryChanged() => ChooseRungs();

    /// <summary>Another display, or other rules of the same: what it refused it may take now.</summary>
    public void DisplayChanged()
    {
        if (_refused.IsEmpty)
            return;
        _refused.Clear();
        _rungTimer.ArmIn(0); // not from in here: the display is in the middle of something
    }

    /// <summary>
    /// The display can't show guest pages of this shape: the rows of every resource that has it are copied from now on, and what should be on screen is shown
    /// again that way.
    /// </summary>
    /// <param name="shape">As it was shown.</param>
    /// <param name="reason">Why, without a full stop.</param>
    public void Refuse(in BlobFramebuffer shape, string reason)
    {
        var report = _refused.Add(in shape, reason);
        foreach (var scanout in _scanouts)
        {
            if (scanout.Resource is not { } resource || scanout.Framebuffer != shape || !MayBeDirect(resource))
                continue;
            _statistics.SourceRung = report;
            scanout.IsRefused = true;
            ShowAgain(scanout);
        }

        _rungTimer.ArmIn(0); // the same pages may be on another scanout in another shape
    }

    /// <summary>
    /// The guest draws into what is shown: this scanout's pages aren't shown any more, what it shows now included. They stay exported, so that the way back costs nothing.
    /// </summary>
    /// <param name="scanout">Which.</param>
    /// <param name="reason">Why, without a full stop; null: its pages may be shown again, from the next flush on.</param>
    public void WantCopies(int scanout, string? reason)
    {
        var state = _scanouts[scanout];
        state.CopiesBecause = reason is null ? null : new RungReport(Rung.Copy, reason, CopiesRemedy);
        _rungTimer.ArmIn(0);
        if (reason is not null && state.Resource is not null)
            ShowAgain(state);
    }

    /// <summary>Pages came: what is on screen of them may not need copies.</summary>
    public void PagesAttached(GpuResource resource)
    {
        if (Shows(resource) && MayBeDirect(resource))
            _rungTimer.ArmIn(0);
    }

    /// <summary>A resource is about to lose its pages: if they are on screen, its host pixels take their place.</summary>
    public void PagesGoing(Resource2D resource)
    {
        var wasAlias = resource.Export.Storage is not null;
        resource.BringHome(_memory);
        if (!wasAlias)
            return;
        foreach (var scanout in _scanouts)
        {
            if (scanout.Resource == resource)
                ShowAgain(scanout);
        }

        _rungTimer.ArmIn(0);
    }

    /// <summary>Turns a scanout off.</summary>
    public void Disable(int scanout)
    {
        if (_scanouts[scanout].Resource is null)
            return;
        _scanouts[scanout].Clear();
        _display.Disable(scanout);
    }

    /// <summary>Turns off every scanout that shows a resource: it is about to go.</summary>
    public void DisableShowing(GpuResource resource)
    {
        for (var i = 0; i < _scanouts.Length; i++)
        {
            if (_scanouts[i].Resource == resource)
                Disable(i);
        }
    }

    /// <summary>The driver is gone. A reboot keeps its pictures until the next driver draws.</summary>
    public void Reset()
    {
        for (var i = 0; i < _scanouts.Length; i++)
        {
            if (_scanouts[i].Resource is null)
                continue;
            _scanouts[i].Clear();
            _display.Suspend(i);
        }

        _wholeTimer.Cancel();
        _rungTimer.Cancel();
        _refused.Clear();
    }

    /// <summary>
    /// RESOURCE_FLUSH: puts a frame together for every scanout that shows a damaged part of the resource. Nothing of a 2D resource is copied here.
    /// </summary>
    /// <param name="resource">What was drawn.</param>
    /// <param name="rect">Where, in its pixels; inside a 2D resource.</param>
    /// <param name="poppedNs">When the command was popped.</param>
    /// <param name="awaited">Whether it is fenced.</param>
    /// <param name="frames">What to <see cref="Present"/>.</param>
    /// <returns>OkNoData, or the first thing that went wrong; the other scanouts' frames are there all the same.</returns>
    public VirtioGpuResponse Flush(GpuResource resource, in GpuRect rect, long poppedNs, bool awaited, out FrameSet frames)
    {
        frames = default;
        var result = VirtioGpuResponse.OkNoData;
        for (var i = 0; i < _scanouts.Length; i++)
        {
            var scanout = _scanouts[i];
            if (scanout.Resource != resource)
                continue;
            var damage = scanout.IsWholeOwed ? scanout.Visible : rect.ClipTo(new BufferSize(scanout.Visible.Right, scanout.Visible.Bottom)).Intersect(scanout.Visible);
            if (damage.IsEmpty)
                continue;
            var response = Prepare(i, damage, poppedNs, awaited, ref frames);
            if (result == VirtioGpuResponse.OkNoData)
                result = response;
        }

        return result;
    }

    /// <summary>Hands prepared frames to the display. It may settle earlier ones before it returns, or these.</summary>
    /// <param name="frames">As prepared.</param>
    /// <returns>Whether one of them takes the place of a frame that wasn't settled yet.</returns>
    public bool Present(in FrameSet frames)
    {
        var superseding = false;
        for (var i = 0; i < _scanouts.Length; i++)
        {
            if (!frames.Has(i))
                continue;
            var scanout = _scanouts[i];
            superseding |= scanout.LastSerial > scanout.SettledSerial;
            scanout.LastSerial = scanout.Next.Serial;
            _display.Present(i, in scanout.Next);
            scanout.Next = default; // the lock is the display's now
        }

        return superseding;
    }

    /// <summary>A frame, and all before it on its scanout, needs no more waiting.</summary>
    public void Settled(int scanout, ulong serial) => _scanouts[scanout].SettledSerial = Math.Max(_scanouts[scanout].SettledSerial, serial);

    private bool MayBeDirect(GpuResource resource) => _aliases2D || resource is GuestBlobResource;

    private bool Shows(GpuResource resource)
    {
        foreach (var scanout in _scanouts)
        {
            if (scanout.Resource == resource)
                return true;
        }

        return false;
    }

    private void ChooseRungs()
    {
        foreach (var scanout in _scanouts)
        {
            if (scanout.Resource is not null)
                ChooseRung(scanout);
        }
    }

    private void ChooseRung(ScanoutState scanout)
    {
        var refusal = _refused.Find(scanout.Framebuffer);
        scanout.IsRefused = refusal is not null;
        if (scanout is { IsRefused: true, Resource: Resource2D refused })
            refused.Export.Forget(); // it has this shape alone, and its transfers copy again
        var report = scanout.Resource switch
        {
            { IsUnreadable: true } => s_unreadable,
            Resource2D when !_aliases2D => s_plain2D,
            not null when refusal is not null => refusal,
            Resource2D resource => resource.Alias(_memory, _exporter),
            GuestBlobResource { Backing: { } backing } blob => blob.Export.Try(_memory, backing, blob.SizeBytes, _exporter),
            _ => _statistics.SourceRung,
        };
        _statistics.SourceRung = report.Rung == Rung.Direct && scanout.CopiesBecause is { } because ? because : report;
    }

    private void ShowAgain(ScanoutState scanout)
    {
        var now = _clock.NowNs;
        scanout.Owe(now);
        scanout.WholeDueNs = now;
        _wholeTimer.ArmAt(now); // not from in here: the display may be in the middle of something
    }

    private VirtioGpuResponse Prepare(int index, BufferRect damage, long poppedNs, bool awaited, ref FrameSet frames)
    {
        var scanout = _scanouts[index];
        if (scanout.Resource!.Export.MayRetry(_exporter) && !_rungTimer.IsArmed)
            _rungTimer.ArmIn(0); // not in a flush
        var response = scanout.Prepare(_memory, damage);
        if (scanout.Resource.IsUnreadable != ReferenceEquals(_statistics.SourceRung, s_unreadable))
            ChooseRung(scanout);
        if (response != VirtioGpuResponse.OkNoData)
            return response;
        scanout.Next.Serial = ++_lastSerial;
        scanout.Next.PoppedNs = poppedNs;
        scanout.Next.Awaited = awaited;
        frames.Add(index, _lastSerial);
        return response;
    }

    private void OweWhole(ScanoutState scanout)
    {
        scanout.WholeDueNs = _clock.NowNs + WholeDelayNs;
        if (!_wholeTimer.IsArmed)
            _wholeTimer.ArmAt(scanout.WholeDueNs);
    }

    private void PresentOverdue()
    {
        var now = _clock.NowNs;
        var frames = default(FrameSet);
        var next = long.MaxValue;
        for (var i = 0; i < _scanouts.Length; i++)
        {
            var scanout = _scanouts[i];
            if (scanout.WholeDueNs <= now)
            {
                // Tried once: what can't be shown now is shown by a later flush.
                scanout.WholeDueNs = long.MaxValue;
                Prepare(i, scanout.Visible, scanout.WholePoppedNs, awaited: false, ref frames);
            }

            next = Math.Min(next, scanout.WholeDueNs);
        }

        if (next != long.MaxValue)
            _wholeTimer.ArmAt(next);
        Present(in frames);
    }
}
