// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;
using Xunit;

namespace GuestSurfaces.Tests.Wayland;

[Collection(Alone.Name)]
public sealed class ClientConversationTests : Conversation, IXdgSurfaceListener, IXdgToplevelListener, IWlCallbackListener, IWlBufferListener, IWpPresentationFeedbackListener,
    IZwpLinuxBufferParamsV1Listener
{
    private readonly List<string> _log = [];
    private WlBuffer? _created;

    [Fact]
    public void Globals_are_listed_and_bound_at_the_lower_version()
    {
        Compositor.Server.AddGlobal<WlSeatResource>(5, _ => { });
        Pump();
        Assert.Equal(5u, Globals.Find("wl_seat")!.Value.Version);
        Assert.Equal(5u, Globals.Require<WlSeat>().Version);
        Assert.Equal(6u, Globals.Require<WlCompositor>().Version);
        Assert.Equal(4u, Globals.Require<WlCompositor>(maxVersion: 4).Version);
        Assert.Null(Globals.Bind<WpViewporter>());
        Assert.Throws<NotSupportedException>(() => Globals.Require<WpViewporter>());
        Pump();
        Assert.Null(Connection.Failure);
    }

    [Fact]
    public void A_removed_global_leaves_the_list()
    {
        var seat = Compositor.Server.AddGlobal<WlSeatResource>(5, _ => { });
        Pump();
        Assert.NotNull(Globals.Find("wl_seat"));
        Compositor.Server.RemoveGlobal(seat);
        Pump();
        Assert.Null(Globals.Find("wl_seat"));
    }

    [Fact]
    public void A_request_newer_than_the_bound_version_is_refused_here()
    {
        var compositor = Globals.Require<WlCompositor>(maxVersion: 3);
        Assert.Throws<InvalidOperationException>(() => compositor.CreateSurface().DamageBuffer(0, 0, 1, 1));
        Pump();
        Assert.Null(Connection.Failure);
    }

    [Fact]
    public void A_window_is_configured_shows_frames_and_gets_its_buffers_back()
    {
        var surface = Globals.Require<WlCompositor>().CreateSurface();
        var xdgSurface = Globals.Require<XdgWmBase>().GetXdgSurface(surface);
        xdgSurface.Listener = this;
        var toplevel = xdgSurface.GetToplevel();
        toplevel.Listener = this;
        toplevel.SetTitle("Fenêtre");
        surface.Commit();
        Pump();
        Assert.Equal(["configure 0x0", "ack"], _log);
        _log.Clear();

        using var memory = MemFd(2 * 64 * 64 * 4);
        var pool = Globals.Require<WlShm>().CreatePool(memory, 2 * 64 * 64 * 4);
        var a = pool.CreateBuffer(0, 64, 64, 256, WlShmFormat.Xrgb8888);
        var b = pool.CreateBuffer(64 * 64 * 4, 64, 64, 256, WlShmFormat.Xrgb8888);
        a.Listener = b.Listener = this;
        pool.Destroy();
        var presentation = Globals.Require<WpPresentation>();
        foreach (var buffer in (WlBuffer[])[a, b])
        {
            surface.Attach(buffer, 0, 0);
            surface.DamageBuffer(0, 0, 64, 64);
            surface.Frame().Listener = this;
            presentation.Feedback(surface).Listener = this;
            surface.Commit();
            Pump();
            Compositor.LatchAll();
            Pump();
        }

        Assert.Equal(["done", "presented", "release", "done", "presented"], _log);
        Assert.Equal(0, Compositor.Surfaces[0].UndamagedCommits);

        _log.Clear();
        Compositor.Surfaces[0].Configure(640, 480, XdgToplevelState.Activated, XdgToplevelState.Fullscreen);
        Pump();
        Assert.Equal(["configure 640x480 Activated Fullscreen", "ack"], _log);
    }

    [Fact]
    public void An_id_is_used_again_only_after_delete_id()
    {
        var compositor = Globals.Require<WlCompositor>();
        var first = compositor.CreateRegion();
        var id = first.Id;
        first.Destroy();
        Assert.False(first.IsAlive);
        var second = compositor.CreateRegion();
        Assert.NotEqual(id, second.Id);
        Pump();
        Assert.Equal(id, compositor.CreateRegion().Id);
    }

    [Fact]
    public void A_one_shot_object_can_be_used_again_from_its_last_event()
    {
        var callback = new WlCallback();
        var rearming = new Rearming(Connection.Display);
        callback.Listener = rearming;
        Connection.Display.Sync(callback);
        for (var i = 0; i < 10; i++)
            Pump();
        Assert.True(rearming.Count > 10);
        Assert.True(callback.IsAlive);
        Assert.Throws<InvalidOperationException>(() => Connection.Display.Sync(callback));
    }

    [Fact]
    public void Destroying_twice_does_nothing_and_using_the_dead_is_refused()
    {
        var surface = Globals.Require<WlCompositor>().CreateSurface();
        surface.Destroy();
        surface.Destroy();
        Assert.Throws<InvalidOperationException>(surface.Commit);
        Assert.Throws<InvalidOperationException>(() => Globals.Require<WpPresentation>().Feedback(surface));
        Assert.Throws<InvalidOperationException>(new WlSurface().Commit);
        Pump();
        Assert.Null(Connection.Failure);
    }

    [Fact]
    public void A_dmabuf_import_brings_a_server_made_buffer()
    {
        var parameters = Globals.Require<ZwpLinuxDmabufV1>().CreateParams();
        parameters.Listener = this;
        using (var memory = MemFd(4096))
            parameters.Add(memory, 0, 0, 64, 0, 0);
        parameters.Create(16, 16, 0x34325258, default);
        Pump();
        parameters.Destroy();
        Assert.True(_created!.Id >= WireLimits.FirstServerId);
        Assert.Equal(1, Compositor.ReceivedFds);
        _created.Destroy();
        Pump();
        Assert.Empty(Client.Resources<WlBufferResource>());
        Assert.Null(Connection.Failure);
    }

    [Fact]
    public void A_server_made_object_for_a_destroyed_parent_is_destroyed_at_once()
    {
        var dmabuf = Globals.Require<ZwpLinuxDmabufV1>();
        for (var i = 0; i < 3; i++)
        {
            var parameters = dmabuf.CreateParams();
            parameters.Listener = this;
            using (var memory = MemFd(4096))
                parameters.Add(memory, 0, 0, 64, 0, 0);
            parameters.Create(16, 16, 0x34325258, default);
            parameters.Destroy();
            Pump();
        }

        Pump();
        Assert.Null(_created);
        Assert.Empty(Client.Resources<WlBufferResource>());
        Assert.Null(Connection.Failure);
        Assert.Single(Compositor.Server.Clients);
    }

    [Fact]
    public void Descriptors_for_the_dead_and_the_deaf_are_closed()
    {
        Compositor.Server.AddGlobal<WlSeatResource>(0, _ => { });
        Pump();
        var seat = Globals.Require<WlSeat>();
        var deaf = seat.GetKeyboard();
        var dead = seat.GetKeyboard();
        var hearing = seat.GetKeyboard();
        var keymap = new Keymap();
        hearing.Listener = keymap;
        dead.Listener = keymap;
        Connection.Flush();
        Compositor.Server.Dispatch();
        using (var memory = MemFd(4096))
        {
            foreach (var keyboard in Client.Resources<WlKeyboardResource>().ToArray())
                keyboard.SendKeymap(WlKeyboardKeymapFormat.XkbV1, memory, 4096);
        }

        dead.Release();
        Pump();
        Assert.True(deaf.IsAlive);
        Assert.Equal(1, keymap.Count);
        Assert.Null(Connection.Failure);
    }

    [Fact]
    public void A_destroyed_object_in_an_event_is_null()
    {
        Compositor.Server.AddGlobal<WlSeatResource>(0, _ => { });
        Pump();
        var pointer = Globals.Require<WlSeat>().GetPointer();
        var pointed = new Pointed();
        pointer.Listener = pointed;
        var surface = Globals.Require<WlCompositor>().CreateSurface();
        Pump();
        Client.Resources<WlPointerResource>().Single().SendEnter(7, Compositor.Surfaces[0].Resource, WlFixed.FromInt32(3), WlFixed.FromDouble(-0.5));
        Compositor.Server.Dispatch();
        surface.Destroy();
        Pump();
        Assert.Equal("7 null 3 -0.5", pointed.Last);
    }

    [Fact]
    public void Hundreds_of_descriptors_arrive_in_order()
    {
        var shm = Globals.Require<WlShm>();
        for (var i = 1; i <= 200; i++)
        {
            using var memory = MemFd((ulong)i * 4096);
            shm.CreatePool(memory, i * 4096).Destroy();
        }

        for (var i = 0; i < 10; i++)
            Pump();
        Assert.Equal(200, Compositor.ReceivedFds);
        Assert.Null(Connection.Failure);
    }

    [Fact]
    public void A_handler_may_not_dispatch()
    {
        var callback = new WlCallback { Listener = new Dispatching() };
        Connection.Display.Sync(callback);
        Connection.Flush();
        Compositor.Server.Dispatch();
        Assert.Throws<InvalidOperationException>(() => Connection.Dispatch());
        Assert.True(Connection.Dispatch());
    }

    void IXdgSurfaceListener.OnConfigure(XdgSurface sender, uint serial)
    {
        sender.AckConfigure(serial);
        _log.Add("ack");
    }

    void IXdgToplevelListener.OnConfigure(XdgToplevel sender, int width, int height, ReadOnlySpan<byte> states)
    {
        var names = string.Concat(MemoryMarshal.Cast<byte, XdgToplevelState>(states).ToArray().Select(state => " " + state));
        _log.Add($"configure {width}x{height}{names}");
    }

    void IWlCallbackListener.OnDone(WlCallback sender, uint callbackData) => _log.Add("done");

    void IWlBufferListener.OnRelease(WlBuffer sender) => _log.Add("release");

    void IWpPresentationFeedbackListener.OnPresented(
        WpPresentationFeedback sender, uint tvSecHi, uint tvSecLo, uint tvNsec, uint refresh, uint seqHi, uint seqLo, WpPresentationFeedbackKind flags) => _log.Add("presented");

    void IZwpLinuxBufferParamsV1Listener.OnCreated(ZwpLinuxBufferParamsV1 sender, WlBuffer buffer) => _created = buffer;

    private sealed class Rearming(WlDisplay display) : IWlCallbackListener
    {
        public int Count { get; private set; }

        public void OnDone(WlCallback sender, uint callbackData)
        {
            Count++;
            Assert.False(sender.IsAlive);
            display.Sync(sender);
        }
    }

    private sealed class Dispatching : IWlCallbackListener
    {
        public void OnDone(WlCallback sender, uint callbackData) => sender.Connection!.Dispatch();
    }

    private sealed class Keymap : IWlKeyboardListener
    {
        public int Count { get; private set; }

        public void OnKeymap(WlKeyboard sender, WlKeyboardKeymapFormat format, ReceivedFd fd, uint size)
        {
            using var memory = fd.Take<MemFdHandle>();
            Assert.Equal(4096u, memory.GetSizeBytes());
            Count++;
        }
    }

    private sealed class Pointed : IWlPointerListener
    {
        public string Last { get; private set; } = string.Empty;

        public void OnEnter(WlPointer sender, uint serial, WlSurface? surface, WlFixed surfaceX, WlFixed surfaceY) =>
            Last = $"{serial} {surface?.ToString() ?? "null"} {surfaceX} {surfaceY}";
    }
}
