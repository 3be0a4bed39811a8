// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>How far a wl_buffer is.</summary>
internal enum ImportState
{
    /// <summary>The compositor hasn't answered yet.</summary>
    Importing,

    /// <summary>It can be attached.</summary>
    Ready,

    /// <summary>There will never be one.</summary>
    Failed,
}

/// <summary>A surface that shows buffers. One wl_buffer is for one of them: on two, its release would be undefined.</summary>
internal interface ISurfaceBufferUser
{
    /// <summary>An import ended, or the compositor gave a buffer back.</summary>
    /// <param name="buffer">Which.</param>
    void OnBufferChanged(SurfaceBuffer buffer);

    /// <summary>What the compositor says about dma-bufs on this surface.</summary>
    DmabufFeedback Feedback => DmabufFeedback.None;
}

/// <summary>What explicit synchronisation keeps for one buffer: it goes when the buffer does.</summary>
internal interface IBufferReleases
{
    /// <summary>No release is awaited any more. A second call does nothing.</summary>
    void Destroy();
}

/// <summary>
/// One wl_buffer on one surface, and the storage locks that its commits hold. Every commit brings a lock, every lock goes back exactly once:
/// with the release that covers it, or with the connection; those of dma-bufs when no GPU reads them any more. Commits that explicit synchronisation knows
/// have a release each, and wl_buffer.release says nothing about them; the others share it.
/// <para>
/// A wl_buffer may be committed again while the compositor holds it (a guest that draws into one buffer). A release then stands for all commits
/// that the compositor had seen when it sent it. Which these were tells a wl_display.sync before the commit: a release that comes before its
/// answer was sent before the commit arrived, and leaves that commit's lock alone.
/// </para>
/// </summary>
internal sealed class SurfaceBuffer : IWlBufferListener, IWlCallbackListener
{
    private readonly DmabufReleases _releases;
    private WlBuffer? _proxy;
    private WlCallback? _marker;
    private WlCallback? _spareMarker;
    private int _seenCommits;
    private int _newCommits;
    private int _explicitCommits;

    /// <summary>Describes a buffer that an importer is about to make.</summary>
    /// <param name="storage">Its pixels. Not locked until a commit.</param>
    /// <param name="view">How to read them.</param>
    /// <param name="covers">The part of the view that the wl_buffer is.</param>
    /// <param name="user">Its surface.</param>
    /// <param name="isOpaque">Whether what the guest left in alpha is ignored: true but for cursors.</param>
    /// <param name="releases">Gives the locks back.</param>
    public SurfaceBuffer(BufferStorage storage, BufferView view, BufferRect covers, ISurfaceBufferUser user, bool isOpaque, DmabufReleases releases)
    {
        Storage = storage;
        View = view;
        Covers = covers;
        User = user;
        IsOpaque = isOpaque;
        _releases = releases;
    }

    /// <summary>Its pixels.</summary>
    public BufferStorage Storage { get; }

    /// <summary>How to read them.</summary>
    public BufferView View { get; }

    /// <summary>The part of the view that the wl_buffer is, in the view's pixels.</summary>
    public BufferRect Covers { get; }

    /// <summary>Whether alpha is ignored.</summary>
    public bool IsOpaque { get; }

    /// <summary>Its surface.</summary>
    public ISurfaceBufferUser User { get; }

    /// <summary>How far it is.</summary>
    public ImportState State { get; private set; }

    /// <summary>How it gets to the screen and why not better; why it can't, if it failed.</summary>
    public RungReport Report { get; private set; } = new(Rung.None, "the compositor is importing the buffer");

    /// <summary>The protocol object, once ready.</summary>
    public WlBuffer Proxy => _proxy ?? throw new InvalidOperationException("the wl_buffer isn't there yet");

    /// <summary>Whether the compositor may be reading it.</summary>
    public bool IsBusy => _seenCommits + _newCommits + _explicitCommits > 0;

    /// <summary>What its surface's synchronisation keeps for it; null until it does.</summary>
    public IBufferReleases? Releases { get; set; }

    /// <summary>Whether its surface is gone.</summary>
    public bool IsRetired { get; private set; }

    /// <summary>The import worked.</summary>
    /// <param name="proxy">The wl_buffer; destroyed by this class.</param>
    /// <param name="report">By which rung.</param>
    public void MarkReady(WlBuffer proxy, RungReport report)
    {
        _proxy = proxy;
        proxy.Listener = this;
        Report = report;
        State = ImportState.Ready;
    }

    /// <summary>The import failed.</summary>
    /// <param name="report">Why.</param>
    public void MarkFailed(RungReport report)
    {
        Report = report;
        State = ImportState.Failed;
    }

    /// <summary>The buffer is about to be attached and committed. Call it before both.</summary>
    /// <param name="display">The connection's.</param>
    /// <remarks>Ownership: the caller's lock on the storage is this buffer's from here on.</remarks>
    public void TakeCommit(WlDisplay display)
    {
        _releases.Publish(Storage);
        if (_seenCommits + _newCommits == 0)
        {
            _seenCommits = 1;
            return;
        }

        _newCommits++;
        var marker = _marker is null ? _spareMarker ?? new WlCallback() : new WlCallback();
        _spareMarker = null;
        marker.Listener = this;
        _marker = marker; // only the latest counts: an earlier commit's lock then waits a little longer, never too short
        display.Sync(marker);
    }

    /// <summary>The buffer is about to be attached and committed with a release of its own.</summary>
    /// <remarks>Ownership: the caller's lock on the storage is this buffer's from here on.</remarks>
    public void TakeExplicitCommit()
    {
        _releases.Publish(Storage);
        _explicitCommits++;
    }

    /// <summary>Commits with releases of their own are released. Call it last, it leads to upcalls.</summary>
    /// <param name="commits">How many; no more than were taken.</param>
    /// <param name="isFenced">Whether the dma-buf's fences still say when.</param>
    public void ReleaseCommits(int commits, bool isFenced = false)
    {
        _explicitCommits -= commits;
        if (IsRetired && !IsBusy)
            Destroy();
        if (isFenced)
            _releases.Unlock(Storage, commits);
        else
            DmabufReleases.Free(Storage, commits);
        User.OnBufferChanged(this);
    }

    /// <summary>Its surface is gone: the wl_buffer goes too, at the latest when the compositor gives it back.</summary>
    public void Retire()
    {
        IsRetired = true;
        if (!IsBusy)
            Destroy();
    }

    /// <summary>The storage closes: nobody reads it any more.</summary>
    public void Destroy()
    {
        _proxy?.Destroy();
        Releases?.Destroy();
    }

    /// <summary>The connection is gone and the compositor with it: all locks go back, as with a release.</summary>
    public void Abandon()
    {
        var locks = _seenCommits + _newCommits + _explicitCommits;
        _seenCommits = _newCommits = _explicitCommits = 0;
        _releases.Unlock(Storage, locks);
    }

    void IWlBufferListener.OnRelease(WlBuffer sender)
    {
        var locks = _seenCommits;
        _seenCommits = 0;
        if (IsRetired && !IsBusy)
            Destroy();
        _releases.Unlock(Storage, locks);
        User.OnBufferChanged(this);
    }

    void IWlCallbackListener.OnDone(WlCallback sender, uint callbackData)
    {
        if (sender != _marker)
            return;
        _seenCommits += _newCommits;
        _newCommits = 0;
        _spareMarker = sender;
        _marker = null;
    }
}
