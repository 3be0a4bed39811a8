// SPDX-License-Identifier: MIT
using System.Text;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Connection;

/// <summary>A monitor as the compositor describes it.</summary>
/// <param name="Mode">Its pixels as windows see them: a screen on its side is higher than wide. Empty if unknown.</param>
/// <param name="RefreshMilliHz">60 Hz is 60000; 0 if unknown, or if it has no rate of its own (variable refresh, virtual screens).</param>
/// <param name="WidthMm">Its width, the same way round; 0 if unknown.</param>
/// <param name="HeightMm">Its height.</param>
/// <param name="Scale">Rounded up to a whole one.</param>
internal readonly record struct OutputInfo(BufferSize Mode, int RefreshMilliHz, int WidthMm, int HeightMm, int Scale);

/// <summary>The monitors of a connection.</summary>
internal sealed class Outputs(Action changed) : IWlOutputListener, IZxdgOutputV1Listener
{
    private const uint NamedSince = 4;

    private readonly List<Output> _outputs = [];
    private ZxdgOutputManagerV1? _names;

    /// <summary>Binds a monitor.</summary>
    /// <param name="globals">The registry.</param>
    /// <param name="global">A wl_output.</param>
    public void Add(WaylandGlobals globals, WaylandGlobal global)
    {
        ArgumentNullException.ThrowIfNull(globals);
        var proxy = globals.Bind<WlOutput>(global);
        proxy.Listener = this;
        var output = new Output(global.Name, proxy);
        _outputs.Add(output);
        AskName(output);
    }

    /// <summary>Weston 10 and others of its time have names for monitors in another place than wl_output.</summary>
    /// <param name="names">Null: it isn't there.</param>
    public void NameBy(ZxdgOutputManagerV1? names)
    {
        _names = names;
        _outputs.ForEach(AskName);
    }

    /// <summary>A monitor is gone.</summary>
    /// <param name="global">Its global.</param>
    public void Remove(WaylandGlobal global)
    {
        var index = _outputs.FindIndex(output => output.Name == global.Name);
        if (index < 0)
            return;
        var proxy = _outputs[index].Proxy;
        _outputs[index].Naming?.Destroy();
        _outputs.RemoveAt(index);
        if (proxy.Version >= 3)
            proxy.Release();
        changed();
    }

    /// <summary>The monitor for a head that is to cover one: the one that is named for it, else each head has its own, as far as there are several. Null: the compositor chooses.</summary>
    /// <param name="head">0 to 15.</param>
    /// <param name="name">Null: none is named.</param>
    public WlOutput? For(int head, string? name) =>
        name is not null ? _outputs.Find(output => output.Title == name)?.Proxy : _outputs.Count > 1 && head < _outputs.Count ? _outputs[head].Proxy : null;

    /// <summary>What a monitor is called; null if it is gone, or has no name.</summary>
    /// <param name="proxy">Any.</param>
    public string? NameOf(WlOutput? proxy) => _outputs.Find(output => output.Proxy == proxy)?.Title;

    /// <summary>What is known of a monitor; null if it is gone.</summary>
    /// <param name="proxy">As wl_surface.enter names it.</param>
    public OutputInfo? Find(WlOutput? proxy)
    {
        foreach (var output in _outputs)
        {
            if (output.Proxy == proxy)
                return output.Info;
        }

        return null;
    }

    void IWlOutputListener.OnGeometry(
        WlOutput sender, int x, int y, int physicalWidth, int physicalHeight, WlOutputSubpixel subpixel, ReadOnlySpan<byte> make, ReadOnlySpan<byte> model, WlOutputTransform transform)
    {
        if (Of(sender) is not { } output)
            return;
        output.Physical = (Math.Max(physicalWidth, 0), Math.Max(physicalHeight, 0));
        output.IsOnItsSide = transform is WlOutputTransform._90 or WlOutputTransform._270 or WlOutputTransform.Flipped90 or WlOutputTransform.Flipped270;
        Tell(output);
    }

    void IWlOutputListener.OnMode(WlOutput sender, WlOutputMode flags, int width, int height, int refresh)
    {
        if ((flags & WlOutputMode.Current) == 0 || Of(sender) is not { } output)
            return;
        output.Mode = new BufferSize(Math.Max(width, 0), Math.Max(height, 0));
        output.RefreshMilliHz = Math.Max(refresh, 0);
        Tell(output);
    }

    void IWlOutputListener.OnScale(WlOutput sender, int factor)
    {
        if (Of(sender) is not { } output)
            return;
        output.Scale = Math.Max(factor, 1);
        Tell(output);
    }

    void IWlOutputListener.OnName(WlOutput sender, ReadOnlySpan<byte> name)
    {
        if (Of(sender) is { } output)
            output.Title = Encoding.UTF8.GetString(name);
    }

    void IWlOutputListener.OnDone(WlOutput sender) => changed();

    void IZxdgOutputV1Listener.OnName(ZxdgOutputV1 sender, ReadOnlySpan<byte> name)
    {
        if (_outputs.Find(output => output.Naming == sender) is not { } named)
            return;
        named.Title = Encoding.UTF8.GetString(name);
        changed();
    }

    private void AskName(Output output)
    {
        if (output.Proxy.Version >= NamedSince || _names is not { } names)
            return;
        output.Naming = names.GetXdgOutput(output.Proxy);
        output.Naming.Listener = this;
    }

    private Output? Of(WlOutput proxy) => _outputs.Find(output => output.Proxy == proxy);

    // From version 2 on "done" ends what belongs together: halves of it would be modes that nobody has.
    private void Tell(Output output)
    {
        if (output.Proxy.Version < 2)
            changed();
    }

    private sealed class Output(uint name, WlOutput proxy)
    {
        public uint Name => name;

        public WlOutput Proxy => proxy;

        // Such as HDMI-A-1.
        public string? Title { get; set; }

        // Null: wl_output itself tells the name, or nobody does.
        public ZxdgOutputV1? Naming { get; set; }

        public BufferSize Mode { get; set; }

        public (int Width, int Height) Physical { get; set; }

        public bool IsOnItsSide { get; set; }

        public int RefreshMilliHz { get; set; }

        public int Scale { get; set; } = 1;

        public OutputInfo Info => IsOnItsSide
            ? new OutputInfo(new BufferSize(Mode.Height, Mode.Width), RefreshMilliHz, Physical.Height, Physical.Width, Scale)
            : new OutputInfo(Mode, RefreshMilliHz, Physical.Width, Physical.Height, Scale);
    }
}
