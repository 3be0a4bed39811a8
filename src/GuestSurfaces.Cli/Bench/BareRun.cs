// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Cli.Bench;

/// <summary>
/// The least that a client can do: the same frames through wl_shm, with nothing between the drawing and the wire. What the bridge costs beyond this is ours.
/// </summary>
internal sealed class BareRun : IBenchRun, IFdHandler, IXdgSurfaceListener, IXdgToplevelListener, IXdgWmBaseListener, IWlBufferListener, IWlCallbackListener
{
    private const int Buffers = 3;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly EventLoop _loop;
    private readonly BenchPicture _picture;
    private readonly BenchMeasure _measure;
    private readonly WaylandConnection _connection;
    private readonly SharedRegion _pixels;
    private readonly WlSurface _surface;
    private readonly WlBuffer[] _buffers = new WlBuffer[Buffers];
    private readonly bool[] _isBusy = new bool[Buffers];
    private readonly WlCallback _callback;
    private readonly FdWatch _watch;
    private readonly LoopTimer _next;
    private bool _isConfigured;
    private bool _isStarted;
    private int _frame;

    public BareRun(EventLoop loop, string? display, BenchPicture picture, BenchMeasure measure)
    {
        _loop = loop;
        _picture = picture;
        _measure = measure;
        _connection = display is null ? WaylandConnection.Connect() : WaylandConnection.Connect(display);
        var globals = new WaylandGlobals(_connection);
        _connection.Roundtrip(s_patience);
        var shm = globals.Require<WlShm>();
        var wmBase = globals.Require<XdgWmBase>();
        wmBase.Listener = this;
        _surface = globals.Require<WlCompositor>().CreateSurface();
        var xdgSurface = wmBase.GetXdgSurface(_surface);
        xdgSurface.Listener = this;
        var toplevel = xdgSurface.GetToplevel();
        toplevel.Listener = this;
        toplevel.SetTitle("guest-surfaces bench: baseline");
        var bytes = (ulong)picture.StrideBytes * (uint)picture.Size.Height;
        var file = MemFdHandle.TryCreateSealed("guest-surfaces-bench", Buffers * bytes, out var errno)
            ?? throw new UserErrorException($"no memory for three {picture.Size} pictures: {errno}", "ask for a smaller --size");
        var pool = shm.CreatePool(file, (int)(Buffers * bytes));
        for (var i = 0; i < Buffers; i++)
        {
            _buffers[i] = pool.CreateBuffer((int)bytes * i, picture.Size.Width, picture.Size.Height, picture.StrideBytes, WlShmFormat.Xrgb8888);
            _buffers[i].Listener = this;
        }

        _pixels = SharedRegion.TryOpen(file, 0, Buffers * bytes, mayMap: true, out errno) ?? throw new SyscallException("mapping the baseline's pixels", errno);
        _callback = new WlCallback { Listener = this };
        _next = loop.Timers.Create(DrawNext);
        _surface.Commit();
        if (!_connection.TryWait(this, static run => run._isConfigured, s_patience))
            throw new TimeoutException("the compositor doesn't configure a window");
        _watch = loop.Watch(_connection.Fd, EpollEvents.In, this);
    }

    /// <inheritdoc/>
    public string? Failure => _connection.Failure?.Message;

    /// <inheritdoc/>
    public void Start()
    {
        _isStarted = true;
        DrawNext();
    }

    /// <inheritdoc/>
    public void Begin() => _measure.Begin(_loop.Timers.Clock.NowNs);

    /// <inheritdoc/>
    public void End() => _measure.End(_loop.Timers.Clock.NowNs);

    /// <inheritdoc/>
    public void OnReady(EpollEvents events)
    {
        _connection.Dispatch();
        _connection.Flush();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _next.Cancel();
        _watch.Dispose();
        _connection.Dispose();
        _pixels.Dispose();
    }

    void IXdgSurfaceListener.OnConfigure(XdgSurface sender, uint serial)
    {
        sender.AckConfigure(serial);
        _isConfigured = true;
    }

    void IXdgWmBaseListener.OnPing(XdgWmBase sender, uint serial) => sender.Pong(serial);

    void IWlBufferListener.OnRelease(WlBuffer sender) => _isBusy[Array.IndexOf(_buffers, sender)] = false;

    void IWlCallbackListener.OnDone(WlCallback sender, uint callbackData)
    {
        if (_measure.IsRunning)
            _measure.Presented++;
        if (_isStarted)
            _next.ArmIn(0);
    }

    private void DrawNext()
    {
        var free = Array.IndexOf(_isBusy, false);
        if (free < 0)
        {
            _next.ArmIn(1_000_000); // the compositor holds all three
            return;
        }

        _picture.Draw(_pixels, (ulong)free * (uint)_picture.StrideBytes * (uint)_picture.Size.Height, _frame);
        var drawnNs = _loop.Timers.Clock.NowNs;
        var damage = _picture.Changes(_frame++);
        _isBusy[free] = true;
        _surface.Attach(_buffers[free], 0, 0);
        _surface.DamageBuffer(damage.X, damage.Y, damage.Width, damage.Height);
        _surface.Frame(_callback);
        _surface.Commit();
        if (_measure.IsRunning)
        {
            _measure.FlushToCommit.Add(_loop.Timers.Clock.NowNs - drawnNs);
            _measure.BytesCopied += damage.Area * 4;
        }

        _connection.Flush();
    }
}
