// SPDX-License-Identifier: MIT
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>A graphics tablet of the fake compositor's seat, with a pad that nobody wants; the test holds its pens.</summary>
public sealed class FakeTablet : IZwpTabletManagerV2Requests, IZwpTabletToolV2Requests
{
    private readonly FakeCompositor _compositor;
    private ZwpTabletSeatV2Resource? _seat;
    private ZwpTabletV2Resource? _tablet;

    internal FakeTablet(FakeCompositor compositor)
    {
        _compositor = compositor;
        if (compositor.Options.Tablets)
            compositor.Server.AddGlobal<ZwpTabletManagerV2Resource>(2, r => r.Handler = this);
    }

    /// <summary>Whether a client wants to hear of tablets.</summary>
    public bool IsHeard => _seat is not null;

    /// <summary>Objects of the client's that are alive: its tablet, its pads, its tools.</summary>
    public int Objects { get; private set; }

    /// <summary>Serials for which the client hid a tool's cursor.</summary>
    public List<uint> Hidden { get; } = [];

    /// <summary>Plugs in a tablet that has a pad.</summary>
    public void Plug()
    {
        _tablet = Count(new ZwpTabletV2Resource());
        _seat!.SendTabletAdded(_tablet);
        _tablet.SendName("fake tablet");
        _tablet.SendPath("/dev/null");
        _tablet.SendDone();
        var pad = Count(new ZwpTabletPadV2Resource());
        _seat.SendPadAdded(pad);
        var group = new ZwpTabletPadGroupV2Resource();
        pad.SendGroup(group);
        group.SendRing(new ZwpTabletPadRingV2Resource());
        group.SendDone();
        pad.SendDone();
    }

    /// <summary>The tablet is unplugged.</summary>
    public void Unplug() => _tablet!.SendRemoved();

    /// <summary>A tool that was never near.</summary>
    public ZwpTabletToolV2Resource AddTool(ZwpTabletToolV2Type type, ulong serial, params ReadOnlySpan<ZwpTabletToolV2Capability> capabilities)
    {
        var tool = Count(new ZwpTabletToolV2Resource());
        tool.Handler = this;
        _seat!.SendToolAdded(tool);
        tool.SendType(type);
        tool.SendHardwareSerial((uint)(serial >> 32), (uint)serial);
        foreach (var capability in capabilities)
            tool.SendCapability(capability);
        tool.SendDone();
        return tool;
    }

    /// <summary>A tool comes near a surface; the frame isn't over yet.</summary>
    public void Near(ZwpTabletToolV2Resource tool, FakeSurface surface, double x, double y)
    {
        tool.SendProximityIn(_compositor.Seat!.NextSerial, _tablet!, surface.Resource);
        Move(tool, x, y);
    }

    public void Move(ZwpTabletToolV2Resource tool, double x, double y) => tool.SendMotion(WlFixed.FromDouble(x), WlFixed.FromDouble(y));

    public void Down(ZwpTabletToolV2Resource tool) => tool.SendDown(_compositor.Seat!.NextSerial);

    public void Button(ZwpTabletToolV2Resource tool, uint button, bool isPressed) =>
        tool.SendButton(_compositor.Seat!.NextSerial, button, isPressed ? ZwpTabletToolV2ButtonState.Pressed : ZwpTabletToolV2ButtonState.Released);

    void IZwpTabletManagerV2Requests.OnGetTabletSeat(ZwpTabletManagerV2Resource sender, ZwpTabletSeatV2Resource tabletSeat, WlSeatResource seat)
    {
        _seat = tabletSeat;
        tabletSeat.Destroyed += _ => _seat = null;
    }

    void IZwpTabletToolV2Requests.OnSetCursor(ZwpTabletToolV2Resource sender, uint serial, WlSurfaceResource? surface, int hotspotX, int hotspotY)
    {
        if (surface is null)
            Hidden.Add(serial);
    }

    private T Count<T>(T resource)
        where T : WaylandResource
    {
        Objects++;
        resource.Destroyed += _ => Objects--;
        return resource;
    }
}
