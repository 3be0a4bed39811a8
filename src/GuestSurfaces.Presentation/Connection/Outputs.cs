// SPDX-License-Identifier: MIT
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Connection;

/// <summary>The monitors of a connection: only how fast they refresh.</summary>
internal sealed class Outputs(Action changed) : IWlOutputListener
{
    private readonly List<Output> _outputs = [];

    /// <summary>Binds a monitor.</summary>
    /// <param name="globals">The registry.</param>
    /// <param name="global">A wl_output.</param>
    public void Add(WaylandGlobals globals, WaylandGlobal global)
    {
        ArgumentNullException.ThrowIfNull(globals);
        var proxy = globals.Bind<WlOutput>(global);
        proxy.Listener = this;
        _outputs.Add(new Output(global.Name, proxy));
    }

    /// <summary>A monitor is gone.</summary>
    /// <param name="global">Its global.</param>
    public void Remove(WaylandGlobal global)
    {
        var index = _outputs.FindIndex(output => output.Name == global.Name);
        if (index < 0)
            return;
        var proxy = _outputs[index].Proxy;
        _outputs.RemoveAt(index);
        if (proxy.Version >= 3)
            proxy.Release();
    }

    /// <summary>A monitor's refresh rate; 0 if it isn't known.</summary>
    /// <param name="proxy">As wl_surface.enter names it.</param>
    public int RefreshMilliHz(WlOutput? proxy) => _outputs.Find(output => output.Proxy == proxy)?.RefreshMilliHz ?? 0;

    void IWlOutputListener.OnMode(WlOutput sender, WlOutputMode flags, int width, int height, int refresh)
    {
        if ((flags & WlOutputMode.Current) == 0 || _outputs.Find(output => output.Proxy == sender) is not { } known)
            return;
        known.RefreshMilliHz = refresh;
        changed();
    }

    private sealed class Output(uint name, WlOutput proxy)
    {
        public uint Name => name;

        public WlOutput Proxy => proxy;

        public int RefreshMilliHz { get; set; }
    }
}
