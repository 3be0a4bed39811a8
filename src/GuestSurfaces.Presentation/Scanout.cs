// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Presentation.Cursors;
using GuestSurfaces.Presentation.Frames;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Presentation.Roles;
using GuestSurfaces.Presentation.Windows;
using GuestSurfaces.Wayland;
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Presentation;

/// <summary>One scanout of the guest: its frames and cursor, which outlive any compositor, and its window on the present one.</summary>
internal sealed class Scanout(int index, IDisplayEvents events, PresenterOptions options, GuestStatistics statistics, ILogger logger) : IScanout
{
    private ScanoutWindow? _window;
    private ScanoutWindow? _leaving;
    private WindowPlacement _placement = options.Placement;
    private string _lastRefusal = string.Empty;
    private string _lastPlacementReason = string.Empty;
    private int _refreshMilliHz;
    private OutputMode _toldMode;
    private bool _isUnwanted;
    private bool _isUnplugged;
    private ulong _newest;
    private ulong _lastOrphan;

    /// <summary>Whether it has a window.</summary>
    public bool HasWindow => _window is not null;

    /// <inheritdoc/>
    public int Index => index;

    /// <inheritdoc/>
    public FrameMailbox Mailbox { get; } = new(index, events);

    /// <inheritdoc/>
    public GuestCursor Cursor { get; } = new();

    /// <inheritdoc/>
    public GuestStatistics Statistics => statistics;

    /// <inheritdoc/>
    public PresenterOptions Options => options;

    /// <inheritdoc/>
    public string Title { get; private set; } = options.TitleOf(index);

    /// <inheritdoc/>
    public string AppId { get; set; } = options.AppId;

    /// <summary>Another title for the window, now and later.</summary>
    /// <param name="title">Whole.</param>
    public void SetTitle(string title)
    {
        if (title == Title)
            return;
        Title = title;
        _window?.ShowTitle();
    }

    /// <summary>Whoever sent the frames so far is gone: the window says so until it shows another's.</summary>
    public void ShowDisconnected()
    {
        _lastOrphan = _newest;
        _window?.ShowDisconnected();
    }

    /// <inheritdoc/>
    public bool IsOrphan(ulong serial) => (serial == 0 ? _newest : serial) <= _lastOrphan;

    /// <summary>Takes a frame.</summary>
    /// <param name="compositor">Null while there is none.</param>
    /// <param name="frame">Taken over.</param>
    public void Present(Compositor? compositor, in GuestFrame frame)
    {
        _newest = frame.Serial;
        if (compositor is null)
        {
            Mailbox.Swallow(in frame);
            return;
        }

        Mailbox.Put(in frame);
        Pump(compositor);
    }

    /// <summary>Shows what waits, in a window that is made for it.</summary>
    /// <param name="compositor">The connection.</param>
    public void Pump(Compositor compositor)
    {
        if (!compositor.IsReady || !Mailbox.HasPending)
            return;
        if (_window is { } window)
            window.Pump();
        else
            OpenWindow(compositor);
    }

    private void OpenWindow(Compositor compositor)
    {
        _isUnwanted = false;
        _window = new ScanoutWindow(compositor, this, Choose(compositor));
        _window.Pump(); // not every role has to be configured first
    }

    /// <summary>A surface's role is for its life: where the window can't be what it is to be, another takes its place, with its picture. The guest doesn't notice.</summary>
    private void PlaceWindow(Compositor compositor)
    {
        if (_window is not { } window || Choose(compositor) is var choice && window.TryPlace(in choice))
            return;
        if (!Mailbox.HasPending && window.TryRepeat(out var picture))
            Mailbox.Put(in picture);
        if (window.IsMapped)
        {
            window.Forget(); // it stays until the other one is there
            _leaving = window;
        }
        else
        {
            window.Destroy();
        }

        OpenWindow(compositor);
    }

    private RoleChoice Choose(Compositor compositor)
    {
        var choice = compositor.Roles.Choose(index, _placement, options.IviId);
        if (choice.Reason != _lastPlacementReason)
        {
            _lastPlacementReason = choice.Reason;
            if (choice.Reason.Length > 0)
                logger.LogWarning("{Title} is shown in a window: {Reason}", Title, choice.Reason);
        }

        return choice;
    }

    /// <summary>Turns the window black.</summary>
    public void Blank()
    {
        if (_window is { IsMapped: true } window)
        {
            window.Blank();
            Mailbox.DropAll();
        }
        else
        {
            CloseWindow();
        }
    }

    /// <summary>Sets the cursor's image and place.</summary>
    /// <param name="image">Taken over.</param>
    /// <param name="x">Of the hotspot.</param>
    /// <param name="y">Likewise.</param>
    public void SetCursor(in CursorImage image, int x, int y)
    {
        Cursor.Set(in image, x, y);
        _window?.ShowCursor();
    }

    /// <summary>Moves the cursor.</summary>
    /// <param name="x">Of the hotspot.</param>
    /// <param name="y">Likewise.</param>
    public void MoveCursor(int x, int y)
    {
        Cursor.MoveTo(x, y);
        _window?.ShowCursor();
    }

    /// <summary>The window goes and everything is settled; the next frame makes another one.</summary>
    public void CloseWindow()
    {
        var (window, leaving) = (_window, _leaving);
        (_window, _leaving) = (null, null);
        window?.Destroy();
        leaving?.Destroy();
        Cursor.Clear();
        Mailbox.Clear();
    }

    /// <summary>The compositor is gone, and the window with it.</summary>
    public void ForgetWindow()
    {
        var window = _window;
        (_window, _leaving) = (null, null);
        window?.Forget();
        Cursor.Clear();
        Mailbox.Clear();
    }

    /// <summary>How large the picture is on a surface; null if that isn't its own.</summary>
    /// <param name="surface">Any.</param>
    public SurfaceSize? SizeOn(WlSurface surface) => _window?.SizeOn(surface);

    /// <summary>A pointer has come to a surface, or left it.</summary>
    /// <param name="surface">Any.</param>
    public void OnPointed(WlSurface surface)
    {
        if (SizeOn(surface) is not null)
            _window!.ShowCursor();
    }

    /// <summary>The guest has keyboard and mouse for itself, or hasn't any more: the window says so.</summary>
    /// <param name="isHeld">Which of both.</param>
    public void ShowGrab(bool isHeld) => _window?.ShowGrab(isHeld);

    /// <summary>Its window belongs elsewhere, now and later.</summary>
    /// <param name="compositor">Null while there is none.</param>
    /// <param name="placement">Where.</param>
    public void Place(Compositor? compositor, WindowPlacement placement)
    {
        _placement = placement;
        if (compositor is not { IsReady: true })
            return;
        PlaceWindow(compositor);
        TellOutput(compositor);
    }

    /// <summary>A monitor has changed, or all are known now.</summary>
    /// <param name="compositor">The connection.</param>
    public void OnOutputsChanged(Compositor compositor)
    {
        if (compositor.IsReady)
        {
            TellOutput(compositor);
            if (_placement.OutputOf(index) is not null || _placement.Kind == PlacementKind.Background)
                PlaceWindow(compositor); // the monitor that it belongs on may be back; other windows stay where their user has them
        }

        _window?.OnOutputsChanged();
    }

    /// <summary>
    /// A head that belongs on a certain monitor is that monitor: the guest sees it before it shows anything, and it is unplugged where that is. The first one stays: a guest without any
    /// monitor has no desktop to come back to.
    /// </summary>
    private void TellOutput(Compositor compositor)
    {
        var name = _placement.CoveredBy(index);
        var info = name is null ? null : compositor.Outputs.Find(compositor.Outputs.For(index, name));
        var wasUnplugged = _isUnplugged;
        _isUnplugged = name is not null && info is null && index > 0;
        if (!options.ResizeGuest || (_isUnplugged && wasUnplugged))
            return;
        if (_isUnplugged)
            Tell(default);
        else if (info is { Mode: { Width: > 0, Height: > 0 } } output && (_window is null || wasUnplugged))
            TellModeWanted(new OutputMode(output.Mode, output.RefreshMilliHz, output.WidthMm, output.HeightMm, Enabled: true));
    }

    /// <inheritdoc/>
    public void TellRefresh(int refreshMilliHz)
    {
        if (refreshMilliHz == _refreshMilliHz)
            return;
        _refreshMilliHz = refreshMilliHz;
        events.RefreshKnown(index, refreshMilliHz);
    }

    /// <inheritdoc/>
    public void TellModeWanted(in OutputMode mode)
    {
        if (!_isUnwanted && !_isUnplugged)
            Tell(in mode);
    }

    /// <inheritdoc/>
    public void TellPresented(ulong serial, in FramePresentation presentation) => events.Presented(index, serial, in presentation);

    /// <inheritdoc/>
    public void TellMapped()
    {
        var leaving = _leaving;
        _leaving = null;
        leaving?.Destroy();
    }

    /// <inheritdoc/>
    public void TellLost(Compositor compositor) => PlaceWindow(compositor);

    /// <inheritdoc/>
    public void TellCloseWanted()
    {
        // What is told of this window from here on would plug in again what its end may unplug.
        _isUnwanted = true;
        _toldMode = default;
        events.CloseWanted(index);
    }

    /// <inheritdoc/>
    public void TellDisplayChanged() => events.DisplayChanged();

    /// <inheritdoc/>
    public void TellRefused(BufferStorage storage, RungReport report)
    {
        statistics.DisplayRung = report;
        if (report.Reason != _lastRefusal)
        {
            _lastRefusal = report.Reason;
            logger.LogWarning("{Title}: a frame can't be shown: {Reason}", Title, report.Reason);
        }

        events.BufferRefused(index, storage, report.Reason);
    }

    private void Tell(in OutputMode mode)
    {
        if (mode == _toldMode)
            return;
        _toldMode = mode;
        events.ModeWanted(index, in mode);
    }
}
