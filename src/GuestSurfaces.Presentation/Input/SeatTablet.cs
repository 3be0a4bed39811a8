// SPDX-License-Identifier: MIT
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Input;

/// <summary>
/// A seat's graphics tablets, their pens and pucks as they come and go. The guest has one tablet and one tool near it: the first that is near one of its pictures. The
/// keys beside a tablet (its pad) are left to the desktop. Source: tablet-v2.
/// </summary>
internal sealed class SeatTablet : IZwpTabletSeatV2Listener, IZwpTabletV2Listener
{
    private readonly ZwpTabletSeatV2 _proxy;
    private readonly IInputOwner _owner;
    private readonly List<ZwpTabletV2> _tablets = [];
    private readonly List<TabletTool> _tools = [];
    private TabletTool? _near;

    /// <summary>Listens.</summary>
    /// <param name="proxy">Adopted.</param>
    /// <param name="owner">Who is told.</param>
    public SeatTablet(ZwpTabletSeatV2 proxy, IInputOwner owner)
    {
        _proxy = proxy;
        _owner = owner;
        proxy.Listener = this;
    }

    /// <summary>The seat is gone.</summary>
    public void Close()
    {
        _proxy.Listener = null;
        while (_tools.Count > 0)
            Remove(_tools[^1]);
        foreach (var tablet in _tablets)
            tablet.Destroy();
        _proxy.Destroy();
    }

    /// <summary>A surface goes: a tool near it is near nothing any more.</summary>
    /// <param name="surface">Any.</param>
    public void Leave(WlSurface surface)
    {
        if (IsOver(surface))
            _near!.Leave();
    }

    /// <summary>Whether the tool that counts is near that picture: then the guest's cursor is where the guest has it.</summary>
    /// <param name="picture">The picture's surface.</param>
    public bool IsOver(WlSurface picture) => _near?.Surface == picture;

    /// <summary>A tool is near a picture.</summary>
    /// <param name="tool">Which.</param>
    /// <returns>Whether it counts: none does already.</returns>
    public bool TryBegin(TabletTool tool)
    {
        if (_near is not null)
            return false;
        _near = tool;
        return true;
    }

    /// <summary>The tool that counted is near no picture.</summary>
    public void End() => _near = null;

    /// <summary>A tool won't come back.</summary>
    /// <param name="tool">Which.</param>
    public void Remove(TabletTool tool)
    {
        _tools.Remove(tool);
        tool.Close();
    }

    // Tools name the tablet that they are near to: no tablet, no word of them.
    void IZwpTabletSeatV2Listener.OnTabletAdded(ZwpTabletSeatV2 sender, ZwpTabletV2 id)
    {
        id.Listener = this;
        _tablets.Add(id);
    }

    void IZwpTabletSeatV2Listener.OnToolAdded(ZwpTabletSeatV2 sender, ZwpTabletToolV2 id) => _tools.Add(new TabletTool(id, this, _owner));

    void IZwpTabletSeatV2Listener.OnPadAdded(ZwpTabletSeatV2 sender, ZwpTabletPadV2 id) => id.Destroy();

    void IZwpTabletV2Listener.OnRemoved(ZwpTabletV2 sender)
    {
        _tablets.Remove(sender);
        sender.Destroy();
    }
}
