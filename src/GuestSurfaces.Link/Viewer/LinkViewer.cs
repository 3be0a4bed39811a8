// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using GuestSurfaces.Link.Viewer;
using GuestSurfaces.Link.Wire;
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Link;

/// <summary>
/// The link's end where frames are shown. It makes storages, views and frames of what a source sends, hands them to a display, and sends back what that says.
/// <para>
/// It outlives connections: after <see cref="Lost"/> the display goes on showing what it has, and <see cref="Open"/> begins again with the same source or another one.
/// When to try again, and what to show meanwhile, is its owner's business.
/// </para>
/// Thread: the loop's. Nothing waits, and in steady state nothing allocates.
/// </summary>
public sealed partial class LinkViewer : IDisplayEvents, ILinkSpeaker, IDisposable
{
    private const int PacketsPerFlush = 4;

    private static readonly int s_surfaceBytes =
        FrameAnswers.MaxBytes + FramePresentations.MaxBytes + (3 * MessageHead.Bytes) + Unsafe.SizeOf<ModeBody>() + Unsafe.SizeOf<RefreshBody>();

    private static readonly int s_reportBytes = (5 * MessageHead.Bytes) + Unsafe.SizeOf<ReportBody>() + (9 * LinkText.MaxBytes(LinkLimits.TextBytes)) + Unsafe.SizeOf<TallyBody>();

    private readonly ShownSurface[] _surfaces = new ShownSurface[LinkLimits.Surfaces];
    private readonly TimerQueue _timers;
    private readonly EventLoop? _loop;
    private readonly LinkViewerOptions _options;
    private readonly GuestStatistics _statistics;
    private readonly ILogger _logger;
    private readonly LoopTimer _flush;
    private readonly LoopTimer _hello;
    private readonly ViewerInput[] _input = [.. Enum.GetValues<InputKind>().Select(static kind => new ViewerInput(kind))];
    private ReceivedStorages _storages;
    private LinkChannel? _channel;
    private RungReport? _toldReport;
    private string _toldComposited = string.Empty;
    private string _toldSyncMode = string.Empty;
    private string _toldSyncReason = string.Empty;
    private string _toldPolicy = string.Empty;
    private string _toldPolicyReason = string.Empty;
    private string _toldPlacement = string.Empty;
    private string _toldPlacementReason = string.Empty;
    private long _toldZeroCopy;
    private long _toldCopied;
    private bool _hasDisplayChanged;
    private bool _isGreeted;
    private ulong _lastLocal;

    /// <summary>Makes a viewer without a connection.</summary>
    /// <param name="loop">Where everything happens. Borrowed.</param>
    /// <param name="options">How it introduces itself.</param>
    /// <param name="statistics">The display's: what it sets there is told to the source.</param>
    /// <param name="logger">Hears of broken rules.</param>
    public LinkViewer(EventLoop loop, LinkViewerOptions options, GuestStatistics statistics, ILogger logger)
        : this(loop?.Timers ?? throw new ArgumentNullException(nameof(loop)), loop, options, statistics, logger)
    {
    }

    /// <summary>Without a loop: a test turns the crank.</summary>
    internal LinkViewer(TimerQueue timers, EventLoop? loop, LinkViewerOptions options, GuestStatistics statistics, ILogger logger)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(options.Credit is >= 1 and <= LinkLimits.MaxCredit, true, nameof(options));
        _timers = timers;
        _loop = loop;
        _options = options;
        _statistics = statistics;
        _logger = logger;
        _flush = timers.Create(Flush);
        _hello = timers.Create(() => OnLost("it didn't say hello", ByeCode.Rule));
        _storages = new ReceivedStorages(ArmFlush);
    }

    /// <summary>Shows the frames. Set before the first connection; without it frames are answered as superseded when the next one comes.</summary>
    public IGuestDisplay? Display { get; set; }

    /// <summary>Whether there is a connection.</summary>
    public bool IsConnected => _channel is not null;

    /// <summary>Whether this viewer paces the guest and decides about modes.</summary>
    public bool IsInCharge { get; private set; }

    /// <summary>What the source calls itself; empty until it said hello.</summary>
    public string SourceName { get; private set; } = string.Empty;

    /// <summary>What the source's guest has to type and point with. Known when it has said hello.</summary>
    public InputKinds SourceTakes { get; private set; }

    /// <summary>Hears that the source has said hello: its name is known, its frames come next.</summary>
    public Action? Greeted { get; set; }

    /// <summary>Hears that everything the source shows has been told; what comes from now on is new.</summary>
    public Action? Replayed { get; set; }

    /// <summary>Hears of windows that the user closed, in the source's place: where that ends this viewer, not the guest. Null: the source is told.</summary>
    public Action<int>? WindowClosed { get; set; }

    /// <summary>Hears that the source is gone, and why, if it broke a rule or said so. What was shown still is.</summary>
    public Action<string?>? Lost { get; set; }

    /// <summary>How many storages of the present connection are kept.</summary>
    internal int StorageCount => _storages.Count;

    /// <summary>Begins a connection. Only while there is none.</summary>
    /// <param name="socket">Connected, of packets. Adopted, also on failure.</param>
    /// <exception cref="SyscallException">The socket can't be watched.</exception>
    public void Open(UnixSocketHandle socket)
    {
        if (_channel is not null)
        {
            socket?.Dispose();
            throw new InvalidOperationException("the viewer has a connection already");
        }

        _channel = new LinkChannel(_loop, socket, this);
        _hello.ArmIn(LinkLimits.HelloNs);
        foreach (ref var surface in _surfaces.AsSpan())
        {
            surface.IsStale = true;

            // A new source hasn't heard what the display wants.
            surface.Untold = (surface.RefreshMilliHz > 0 ? Wishes.Refresh : 0) | (surface.Mode.RefreshMilliHz > 0 || surface.Mode.Size.Width > 0 ? Wishes.Mode : 0);
        }

        var wishes = (_options.WantsControl ? HelloBody.WantsControl : 0) | ((uint)_options.Credit << HelloBody.CreditShift);
        Hello.Write(_channel.Writer, LinkOpcode.ViewerHello, HelloBody.HasInput | HelloBody.HasMouse | HelloBody.HasTouch | HelloBody.HasTablet, wishes, _options.Name);
        _ = _channel.Send(); // if not, we have heard
    }

    /// <summary>Connects to a source's socket, without waiting.</summary>
    /// <param name="path">Where it listens.</param>
    /// <exception cref="SyscallException">Nobody listens there, no permission, or its queue is full.</exception>
    public void Connect(string path) => Open(UnixSocketHandle.Connect(path, SocketKind.Packets, nonBlocking: true));

    /// <summary>Ends the connection, if there is one; what is shown stays with the display.</summary>
    public void Dispose()
    {
        _channel?.SayBye(LinkOpcode.ViewerBye, ByeCode.Leaving, "the viewer ends");
        End();
    }

    /// <inheritdoc/>
    public void Committed(int scanout, ulong serial) => _surfaces[scanout].Answers.Commit(serial, _timers.Clock.NowNs);

    /// <inheritdoc/>
    public void Latched(int scanout, ulong serial, long timeNs)
    {
        if (_surfaces[scanout].Answers.Latch(serial, timeNs))
            ArmFlush();
    }

    /// <inheritdoc/>
    public void Presented(int scanout, ulong serial, in FramePresentation presentation) => _surfaces[scanout].Presentations.Note(serial, in presentation);

    /// <inheritdoc/>
    public void Superseded(int scanout, ulong serial)
    {
        if (_surfaces[scanout].Answers.Supersede(serial))
            ArmFlush();
    }

    /// <inheritdoc/>
    public void ModeWanted(int scanout, in OutputMode mode)
    {
        _surfaces[scanout].Mode = mode;
        Tell(scanout, Wishes.Mode);
    }

    /// <inheritdoc/>
    public void CloseWanted(int scanout)
    {
        if (WindowClosed is { } closed)
            closed(scanout);
        else
            PassClose(scanout);
    }

    /// <summary>Tells the source that a window was closed.</summary>
    /// <param name="scanout">0 to 15.</param>
    public void PassClose(int scanout) => Tell(scanout, Wishes.Close);

    /// <inheritdoc/>
    public void RefreshKnown(int scanout, int refreshMilliHz)
    {
        if (refreshMilliHz is <= 0 or > LinkLimits.RefreshMilliHz)
            return;
        _surfaces[scanout].RefreshMilliHz = refreshMilliHz;
        Tell(scanout, Wishes.Refresh);
    }

    /// <inheritdoc/>
    public void BufferRefused(int scanout, BufferStorage storage, string reason) => _storages.Find(storage)?.Refuse(scanout, reason);

    /// <inheritdoc/>
    public void DisplayChanged()
    {
        _hasDisplayChanged = true;
        ArmFlush();
    }

    /// <inheritdoc/>
    public void Input(int scanout, InputKind kind, ReadOnlySpan<InputEvent> frame)
    {
        if (!IsInCharge || (SourceTakes & kind.AsSet()) == 0)
            return;
        _input[(int)kind].Add(scanout, frame);
        ArmFlush();
    }

    /// <inheritdoc/>
    public void InputLeft(InputKind kind)
    {
        _input[(int)kind].AddReleases();
        ArmFlush();
    }

    void ILinkSpeaker.OnWritable() => ArmFlush();

    void ILinkSpeaker.OnLost(string? why, ByeCode? code) => OnLost(why, code);

    /// <summary>A test's turn of the crank.</summary>
    internal void OnReady() => _channel?.OnReady(EpollEvents.In | EpollEvents.Out);

    private void OnLost(string? why, ByeCode? code)
    {
        if (_channel is null)
            return;
        if (why is not null)
            _logger.LogWarning("link: the connection to {Source} ends: {Reason}", SourceName.Length > 0 ? SourceName : "a source", why);
        if (code is { } bye)
            _channel.SayBye(LinkOpcode.ViewerBye, bye, why ?? string.Empty);
        End();
        Lost?.Invoke(why);
    }

    private void End()
    {
        _flush.Cancel();
        _hello.Cancel();
        _channel?.Dispose();
        _channel = null;
        _storages.Abandon();
        _storages = new ReceivedStorages(ArmFlush); // ids begin anew with a connection
        foreach (ref var surface in _surfaces.AsSpan())
        {
            surface.IsAnnounced = false;
            surface.LastSerial = 0;
            surface.Answers.Clear();
            surface.Presentations.Clear();
        }

        ForgetInput();
        (_isGreeted, IsInCharge, SourceTakes, _toldReport, _hasDisplayChanged) = (false, false, InputKinds.None, null, false);
        SourceName = string.Empty;
    }

    private void ForgetInput()
    {
        foreach (var input in _input)
            input.Forget();
    }

    private void Tell(int scanout, Wishes wish)
    {
        _surfaces[scanout].Untold |= wish;
        ArmFlush();
    }

    /// <summary>There is something to tell: at the end of the loop's turn, in one packet.</summary>
    private void ArmFlush()
    {
        if (_isGreeted && !_flush.IsArmed)
            _flush.ArmIn(0);
    }

    private void Flush()
    {
        for (var packets = 0; packets < PacketsPerFlush; packets++)
        {
            if (_channel is not { IsBlocked: false } channel)
                return;
            var isComplete = Write(channel.Writer);
            if (channel.Writer.Length == 0 || !channel.Send() || isComplete)
                return;
        }

        ArmFlush(); // the rest in the loop's next turn
    }

    /// <summary>Writes what the source doesn't know.</summary>
    /// <returns>False if something didn't fit.</returns>
    private bool Write(LinkWriter writer)
    {
        writer.Clear();
        foreach (var input in _input)
        {
            if (!input.Write(writer))
                return false;
        }

        for (var i = 0; i < _surfaces.Length; i++)
        {
            ref var surface = ref _surfaces[i];
            if (!surface.Answers.HasNews && surface.Untold == Wishes.None)
                continue;
            if (!writer.HasRoom(s_surfaceBytes))
                return false;
            WriteSurface(i, ref surface, writer);
        }

        if (!writer.HasRoom(s_reportBytes))
            return false;
        WriteReport(writer);
        if (_hasDisplayChanged)
            writer.Write(LinkOpcode.DisplayChanged);
        _hasDisplayChanged = false;
        return _storages.WriteNews(writer);
    }

    // How frames get to the screen, and what that came to: along with answers, never for its own sake.
    private void WriteReport(LinkWriter writer)
    {
        if (!Equals(_toldReport, _statistics.DisplayRung) || _toldComposited != _statistics.CompositedBecause
            || _toldSyncMode != _statistics.SyncMode || _toldSyncReason != _statistics.SyncReason)
        {
            _toldReport = _statistics.DisplayRung;
            _toldComposited = _statistics.CompositedBecause;
            (_toldSyncMode, _toldSyncReason) = (_statistics.SyncMode, _statistics.SyncReason);
            writer.Begin(LinkOpcode.ViewerReport);
            writer.Put(new ReportBody { Rung = (uint)_toldReport.Rung });
            writer.PutText(_toldReport.Reason);
            writer.PutText(_toldReport.Remedy);
            writer.PutText(_toldComposited);
            writer.PutText(_toldSyncMode);
            writer.PutText(_toldSyncReason);
            writer.End();
            _toldPolicy = _toldPlacement = string.Empty; // told anew along with it
        }

        if (_toldPolicy != _statistics.Policy || _toldPolicyReason != _statistics.PolicyReason)
        {
            (_toldPolicy, _toldPolicyReason) = (_statistics.Policy, _statistics.PolicyReason);
            writer.Begin(LinkOpcode.ViewerPolicy);
            writer.PutText(_toldPolicy);
            writer.PutText(_toldPolicyReason);
            writer.End();
        }

        if (_toldPlacement != _statistics.Placement || _toldPlacementReason != _statistics.PlacementReason)
        {
            (_toldPlacement, _toldPlacementReason) = (_statistics.Placement, _statistics.PlacementReason);
            writer.Begin(LinkOpcode.ViewerPlacement);
            writer.PutText(_toldPlacement);
            writer.PutText(_toldPlacementReason);
            writer.End();
        }

        if (!IsInCharge || (_statistics.ZeroCopyPresented == _toldZeroCopy && _statistics.BytesCopied == _toldCopied))
            return;
        writer.Write(
            LinkOpcode.Tally,
            0,
            new TallyBody { ZeroCopyFrames = (ulong)(_statistics.ZeroCopyPresented - _toldZeroCopy), CopiedBytes = (ulong)(_statistics.BytesCopied - _toldCopied) });
        (_toldZeroCopy, _toldCopied) = (_statistics.ZeroCopyPresented, _statistics.BytesCopied);
    }

    private static void WriteSurface(int index, ref ShownSurface surface, LinkWriter writer)
    {
        surface.Answers.Write(index, writer);
        surface.Presentations.Write(index, writer);
        var untold = surface.Untold;
        surface.Untold = Wishes.None;
        if ((untold & Wishes.Refresh) != 0)
            writer.Write(LinkOpcode.Refresh, (uint)index, new RefreshBody { RefreshMilliHz = (uint)surface.RefreshMilliHz });
        if ((untold & Wishes.Mode) != 0)
        {
            writer.Write(
                LinkOpcode.Mode,
                (uint)index,
                new ModeBody
                {
                    Width = (uint)Math.Clamp(surface.Mode.Size.Width, 0, LinkLimits.Dimension),
                    Height = (uint)Math.Clamp(surface.Mode.Size.Height, 0, LinkLimits.Dimension),
                    RefreshMilliHz = (uint)Math.Clamp(surface.Mode.RefreshMilliHz, 0, LinkLimits.RefreshMilliHz),
                    WidthMm = (uint)Math.Clamp(surface.Mode.WidthMm, 0, LinkLimits.SideMm),
                    HeightMm = (uint)Math.Clamp(surface.Mode.HeightMm, 0, LinkLimits.SideMm),
                    Enabled = surface.Mode.Enabled ? 1u : 0,
                });
        }

        if ((untold & Wishes.Close) != 0)
            writer.Write(LinkOpcode.Close, (uint)index);
    }
}
