// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Wayland;

/// <summary>Our client against libwayland's server.</summary>
[Collection(Alone.Name)]
public sealed class LibwaylandServerTests : IDisposable, IWlCallbackListener, IWlBufferListener, IWlOutputListener, IWlSeatListener, IWlKeyboardListener,
    IZwpLinuxBufferParamsV1Listener, IZwpLinuxDmabufFeedbackV1Listener
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(20);

    private readonly FdLeakCheck _leaks;
    private readonly string _folder = Directory.CreateTempSubdirectory("gs-wl").FullName;
    private readonly Process _server;
    private readonly WaylandConnection _connection;
    private readonly WaylandGlobals _globals;
    private readonly List<string> _log = [];
    private readonly List<uint> _pixels = [];
    private WlBuffer? _created;

    public LibwaylandServerTests()
    {
        var program = NativePeer.Build("wayland-server-peer", "server", "linux-dmabuf-v1");
        var path = Path.Combine(_folder, "wayland-test");
        _server = Process.Start(new ProcessStartInfo(program, path) { RedirectStandardOutput = true })!;
        Assert.Equal("ready", _server.StandardOutput.ReadLine());
        _leaks = new FdLeakCheck();
        _connection = WaylandConnection.Connect(path);
        _globals = new WaylandGlobals(_connection);
        _connection.Roundtrip(s_timeout);
    }

    public void Dispose()
    {
        _connection.Dispose();
        _leaks.Dispose();
        var ended = _server.WaitForExit(s_timeout);
        if (!ended)
            _server.Kill();
        Assert.True(ended && _server.ExitCode == 0, $"the libwayland server didn't end well: {(ended ? _server.ExitCode : "killed")}");
        _server.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Globals_strings_files_and_numbers_arrive()
    {
        _globals.Require<WlOutput>().Listener = this;
        var seat = _globals.Require<WlSeat>();
        seat.Listener = this;
        _globals.Require<WlSeat>().GetKeyboard();
        seat.GetKeyboard().Listener = this;
        _connection.Roundtrip(s_timeout);
        Assert.Equal(
            ["geometry -1,2 None Größe abc _270", "mode Current 1920x1080 59940", "output done", "capabilities Keyboard", "name ''", "keymap XkbV1 xkb", "repeat -7 1073741824"], _log);
    }

    [Fact]
    public void Three_hundred_pools_arrive_with_their_own_files()
    {
        var surface = _globals.Require<WlCompositor>().CreateSurface();
        var shm = _globals.Require<WlShm>();
        for (var i = 0u; i < 300; i++)
        {
            using var memory = Memory(i + 1000, 4096);
            var pool = shm.CreatePool(memory, 4096);
            var buffer = pool.CreateBuffer(0, 8, 8, 32, WlShmFormat.Xrgb8888);
            pool.Destroy();
            surface.Attach(buffer, 0, 0);
            surface.DamageBuffer(0, 0, 8, 8);
            surface.Frame().Listener = this;
            surface.Commit();
            buffer.Destroy();
        }

        _connection.Roundtrip(s_timeout);
        Assert.Equal(Enumerable.Range(1000, 300).Select(i => (uint)i), _pixels);
    }

    [Fact]
    public void Ids_may_come_and_go_in_any_order()
    {
        var compositor = _globals.Require<WlCompositor>();
        var random = new Random(7);
        var regions = new List<WlRegion>();
        for (var i = 0; i < 5000; i++)
        {
            if (regions.Count > 0 && random.Next(2) == 0)
            {
                var at = random.Next(regions.Count);
                regions[at].Destroy();
                regions.RemoveAt(at);
            }
            else
            {
                regions.Add(compositor.CreateRegion());
            }

            if (i % 97 == 0)
                _connection.Roundtrip(s_timeout);
        }

        _connection.Roundtrip(s_timeout);
        Assert.Null(_connection.Failure);
    }

    [Fact]
    public void Server_made_buffers_come_and_orphans_are_destroyed()
    {
        var dmabuf = _globals.Require<ZwpLinuxDmabufV1>();
        for (var round = 0; round < 50; round++)
        {
            var parameters = dmabuf.CreateParams();
            parameters.Listener = this;
            for (var plane = 0u; plane < 4; plane++)
            {
                using var memory = Memory(plane + 64, 4096);
                parameters.Add(memory, plane, 0, 64, 0, 0);
            }

            parameters.Create(16, 16, 0x34325258, default);
            _created = null;
            if (round % 2 == 0)
                parameters.Destroy();
            _connection.Roundtrip(s_timeout);
            Assert.Equal(round % 2 != 0, _created is not null);
            _created?.Destroy();
            parameters.Destroy();
        }

        _connection.Roundtrip(s_timeout);
    }

    [Fact]
    public void Feedback_brings_its_table_device_and_indices()
    {
        var feedback = _globals.Require<ZwpLinuxDmabufV1>().GetDefaultFeedback();
        feedback.Listener = this;
        _globals.Require<ZwpLinuxDmabufV1>().GetDefaultFeedback();
        _connection.Roundtrip(s_timeout);
        Assert.Equal(["table 32", "device 8 bytes: E280", "indices 0 1", "feedback done"], _log);
    }

    [Fact]
    public void A_protocol_error_is_told_as_libwayland_means_it()
    {
        var surface = _globals.Require<WlCompositor>().CreateSurface();
        surface.SetBufferScale(-3);
        var failure = Assert.Throws<WaylandException>(() => _connection.Roundtrip(s_timeout)).Failure;
        Assert.Equal(new ProtocolError("wl_surface", surface.Id, (uint)WlSurfaceError.InvalidScale, "scale -3"), failure.Error);
    }

    [Fact]
    public void A_thousand_frames_on_one_callback_shell()
    {
        var surface = _globals.Require<WlCompositor>().CreateSurface();
        using var memory = Memory(5, 4096);
        var pool = _globals.Require<WlShm>().CreatePool(memory, 4096);
        var buffer = pool.CreateBuffer(0, 8, 8, 32, WlShmFormat.Xrgb8888);
        buffer.Listener = this;
        var callback = new WlCallback { Listener = this };
        for (var i = 1; i <= 1000; i++)
        {
            surface.Attach(buffer, 0, 0);
            surface.Frame(callback);
            surface.Commit();
            Assert.True(_connection.TryWait((_pixels, i), static s => s._pixels.Count == s.i, s_timeout));
        }

        Assert.Equal(1000, _log.Count(line => line == "release"));
    }

    void IWlCallbackListener.OnDone(WlCallback sender, uint callbackData) => _pixels.Add(callbackData);

    void IWlBufferListener.OnRelease(WlBuffer sender) => _log.Add("release");

    void IWlOutputListener.OnGeometry(
        WlOutput sender, int x, int y, int physicalWidth, int physicalHeight, WlOutputSubpixel subpixel, ReadOnlySpan<byte> make, ReadOnlySpan<byte> model, WlOutputTransform transform) =>
        _log.Add($"geometry {x},{y} {subpixel} {Encoding.UTF8.GetString(make)} {Encoding.UTF8.GetString(model)} {transform}");

    void IWlOutputListener.OnMode(WlOutput sender, WlOutputMode flags, int width, int height, int refresh) => _log.Add($"mode {flags} {width}x{height} {refresh}");

    void IWlOutputListener.OnDone(WlOutput sender) => _log.Add("output done");

    void IWlSeatListener.OnCapabilities(WlSeat sender, WlSeatCapability capabilities) => _log.Add($"capabilities {capabilities}");

    void IWlSeatListener.OnName(WlSeat sender, ReadOnlySpan<byte> name) => _log.Add($"name '{Encoding.UTF8.GetString(name)}'");

    unsafe void IWlKeyboardListener.OnKeymap(WlKeyboard sender, WlKeyboardKeymapFormat format, ReceivedFd fd, uint size)
    {
        var text = stackalloc byte[4];
        Assert.Equal(4, LibC.pread(fd, text, 4, 0));
        _log.Add($"keymap {format} {Encoding.UTF8.GetString(text, (int)size - 1)}");
    }

    void IWlKeyboardListener.OnRepeatInfo(WlKeyboard sender, int rate, int delay) => _log.Add($"repeat {rate} {delay}");

    void IZwpLinuxBufferParamsV1Listener.OnCreated(ZwpLinuxBufferParamsV1 sender, WlBuffer buffer) => _created = buffer;

    void IZwpLinuxDmabufFeedbackV1Listener.OnFormatTable(ZwpLinuxDmabufFeedbackV1 sender, ReceivedFd fd, uint size)
    {
        using var table = fd.Take<MemFdHandle>();
        _log.Add($"table {table.GetSizeBytes()}");
    }

    void IZwpLinuxDmabufFeedbackV1Listener.OnMainDevice(ZwpLinuxDmabufFeedbackV1 sender, ReadOnlySpan<byte> device) =>
        _log.Add($"device {device.Length} bytes: {MemoryMarshal.Read<ulong>(device):X}");

    void IZwpLinuxDmabufFeedbackV1Listener.OnTrancheFormats(ZwpLinuxDmabufFeedbackV1 sender, ReadOnlySpan<byte> indices) =>
        _log.Add($"indices {string.Join(' ', MemoryMarshal.Cast<byte, ushort>(indices).ToArray())}");

    void IZwpLinuxDmabufFeedbackV1Listener.OnDone(ZwpLinuxDmabufFeedbackV1 sender) => _log.Add("feedback done");

    private static unsafe MemFdHandle Memory(uint firstPixel, ulong sizeBytes)
    {
        var memory = MemFdHandle.TryCreateSealed("test", sizeBytes, out _)!;
        Assert.Equal(4, LibC.pwrite(memory, &firstPixel, 4, 0));
        return memory;
    }
}
