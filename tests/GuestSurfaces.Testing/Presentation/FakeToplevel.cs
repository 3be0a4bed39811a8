// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using System.Text;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>xdg_surface and xdg_toplevel of one window, as strict as the strictest compositor.</summary>
public sealed class FakeToplevel : IXdgSurfaceRequests, IXdgToplevelRequests
{
    private readonly FakeCompositor _compositor;
    private readonly XdgSurfaceResource _xdgSurface;
    private readonly List<(uint Serial, int Width, int Height, XdgToplevelState[] States)> _sent = [];
    private XdgToplevelResource? _toplevel;
    private (uint Serial, int Width, int Height, XdgToplevelState[] States)? _acked;
    private bool _wantsFirstConfigure = true;

    public FakeToplevel(FakeCompositor compositor, FakeSurface surface, XdgSurfaceResource xdgSurface)
    {
        _compositor = compositor;
        _xdgSurface = xdgSurface;
        Surface = surface;
        surface.Toplevel = this;
        xdgSurface.Handler = this;
    }

    public FakeSurface Surface { get; }

    public string Title { get; private set; } = string.Empty;

    public string AppId { get; private set; } = string.Empty;

    public bool AsksForFullscreen { get; private set; }

    /// <summary>Where to be full screen; null: anywhere.</summary>
    public WlOutputResource? AskedOutput { get; private set; }

    public ZxdgToplevelDecorationV1Mode? Decoration { get; set; }

    public (int Width, int Height) MinSize { get; private set; }

    public (int Width, int Height) MaxSize { get; private set; }

    public (int X, int Y, int Width, int Height) Geometry { get; private set; }

    public bool IsDestroyed { get; private set; }

    public int Acks { get; private set; }

    /// <summary>Whether the last configure event was acknowledged and answered by a commit.</summary>
    public bool IsSettled { get; private set; }

    public void Configure(int width, int height, params XdgToplevelState[] states)
    {
        var serial = _compositor.Server.NextSerial();
        _sent.Add((serial, width, height, states));
        IsSettled = false;
        _toplevel!.SendConfigure(width, height, MemoryMarshal.AsBytes(states.Select(static s => (uint)s).ToArray().AsSpan()));
        _xdgSurface.SendConfigure(serial);
    }

    public void Close() => _toplevel!.SendClose();

    /// <summary>Whether it is on the screen.</summary>
    public bool IsShown => !IsDestroyed && Surface.IsMapped;

    /// <summary>The window's pixels, bars, cursor and veil included, in the order in which they stand on each other; 0xff00ff where there is nothing.</summary>
    public uint[] Render()
    {
        var image = new uint[Geometry.Width * Geometry.Height];
        Array.Fill(image, 0xff00ffu);
        Draw(image, Surface, -Geometry.X, -Geometry.Y);
        foreach (var child in Surface.Children.Where(static child => child.IsMapped))
            Draw(image, child, child.Position.X - Geometry.X, child.Position.Y - Geometry.Y);
        return image;
    }

    void IXdgSurfaceRequests.OnGetToplevel(XdgSurfaceResource sender, XdgToplevelResource id)
    {
        _toplevel = id;
        id.Handler = this;
    }

    void IXdgSurfaceRequests.OnAckConfigure(XdgSurfaceResource sender, uint serial)
    {
        var index = _sent.FindIndex(sent => sent.Serial == serial);
        if (index < 0)
        {
            _compositor.Violation(sender, (uint)XdgSurfaceError.InvalidSerial, $"ack of {serial}");
            return;
        }

        Acks++;
        _acked = _sent[index];
        _sent.RemoveRange(0, index + 1);
    }

    void IXdgSurfaceRequests.OnSetWindowGeometry(XdgSurfaceResource sender, int x, int y, int width, int height)
    {
        if (width <= 0 || height <= 0)
            _compositor.Violation(sender, (uint)XdgSurfaceError.InvalidSize, "window geometry");
        Geometry = (x, y, width, height);
    }

    void IXdgSurfaceRequests.OnDestroy(XdgSurfaceResource sender)
    {
        if (_toplevel is { IsAlive: true })
            _compositor.Violation(sender, (uint)XdgSurfaceError.DefunctRoleObject, "xdg_surface destroyed before its toplevel");
        IsDestroyed = true;
    }

    void IXdgToplevelRequests.OnSetTitle(XdgToplevelResource sender, ReadOnlySpan<byte> title) => Title = Encoding.UTF8.GetString(title);

    void IXdgToplevelRequests.OnSetAppId(XdgToplevelResource sender, ReadOnlySpan<byte> appId) => AppId = Encoding.UTF8.GetString(appId);

    void IXdgToplevelRequests.OnSetFullscreen(XdgToplevelResource sender, WlOutputResource? output) => (AsksForFullscreen, AskedOutput) = (true, output);

    void IXdgToplevelRequests.OnUnsetFullscreen(XdgToplevelResource sender) => (AsksForFullscreen, AskedOutput) = (false, null);

    void IXdgToplevelRequests.OnSetMinSize(XdgToplevelResource sender, int width, int height)
    {
        MinSize = (width, height);
        CheckLimits(sender);
    }

    void IXdgToplevelRequests.OnSetMaxSize(XdgToplevelResource sender, int width, int height)
    {
        MaxSize = (width, height);
        CheckLimits(sender);
    }

    internal void OnSurfaceCommit(FakeSurface surface, bool hasNewBuffer)
    {
        if (_toplevel is null)
        {
            _compositor.Violation(_xdgSurface, (uint)XdgSurfaceError.NotConstructed, "commit without a role");
            return;
        }

        if (hasNewBuffer && _acked is null)
            _compositor.Violation(_xdgSurface, (uint)XdgSurfaceError.UnconfiguredBuffer, "a buffer before the first configure");
        if (_wantsFirstConfigure)
        {
            _wantsFirstConfigure = false;
            if (_compositor.Options.ConfigureAtOnce)
                Configure(0, 0);
            return;
        }

        if (_acked is not { } acked)
            return;
        IsSettled = _sent.Count == 0;
        var (width, height) = Geometry.Width == 0 ? surface.Size : (Geometry.Width, Geometry.Height);
        if (acked.States.Contains(XdgToplevelState.Maximized) && (width, height) != (acked.Width, acked.Height))
            _compositor.Violation(_xdgSurface, (uint)XdgWmBaseError.InvalidSurfaceState, $"{width}x{height} is not the maximized {acked.Width}x{acked.Height}");
        if (acked.States.Contains(XdgToplevelState.Fullscreen) && (width > acked.Width || height > acked.Height))
            _compositor.Violation(_xdgSurface, (uint)XdgWmBaseError.InvalidSurfaceState, $"{width}x{height} is larger than the fullscreen {acked.Width}x{acked.Height}");
    }

    private void CheckLimits(XdgToplevelResource sender)
    {
        if (MaxSize.Width > 0 && (MinSize.Width > MaxSize.Width || MinSize.Height > MaxSize.Height))
            _compositor.Violation(sender, (uint)XdgToplevelError.InvalidSize, "minimum above maximum");
    }

    private void Draw(uint[] image, FakeSurface surface, int left, int top)
    {
        var (width, height) = surface.Size;
        for (var y = Math.Max(0, -top); y < height && top + y < Geometry.Height; y++)
        {
            for (var x = Math.Max(0, -left); x < width && left + x < Geometry.Width; x++)
            {
                ref var below = ref image[((top + y) * Geometry.Width) + left + x];
                below = Blending.Over(surface.Pixel(x, y), below);
            }
        }
    }
}
