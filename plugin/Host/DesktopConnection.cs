// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Plugin.Configuration;
using GuestSurfaces.Presentation.Input;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Plugin.Host;

/// <summary>The host's connection to the Weston that has started it: the one on which Weston offers guest_surfaces_host_v1. Thread: the loop's.</summary>
internal sealed class DesktopConnection : IWaylandConnectionListener, IFdHandler, IDisposable
{
    // A message takes 4096 bytes, a character of UTF-16 three at most.
    private const int MaxLine = 1000;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly EventLoop _loop;
    private readonly WaylandConnection _connection;
    private readonly GuestSurfacesHostV1 _host;
    private readonly FdWatch _watch;
    private bool _asksForWrite;

    /// <summary>Waits for Weston's first answer.</summary>
    /// <param name="loop">Stops when the connection ends.</param>
    /// <param name="connection">Adopted.</param>
    /// <exception cref="NotSupportedException">That isn't a Weston which has started this process as its host.</exception>
    /// <exception cref="WaylandException">The connection has failed.</exception>
    public DesktopConnection(EventLoop loop, WaylandConnection connection)
    {
        _loop = loop;
        _connection = connection;
        connection.Listener = this;
        var globals = new WaylandGlobals(connection);
        connection.Roundtrip(s_patience);
        _host = globals.Require<GuestSurfacesHostV1>();
        _watch = loop.Watch(connection.Fd, EpollEvents.In, this);
    }

    /// <summary>Writes a line to Weston's log.</summary>
    /// <param name="text">Any. What is longer than a message is cut.</param>
    public void Log(string text)
    {
        _host.Log(ToLine(text));
        Flush();
    }

    /// <summary>Says which keys give a guest all keys, and take them back.</summary>
    /// <param name="chord">Which.</param>
    public void SetChord(GrabChord chord)
    {
        var (control, shift, alt, super) = (chord.Modifiers & 1, chord.Modifiers & 2, chord.Modifiers & 4, chord.Modifiers & 8);
        _host.SetChord(control | (alt >> 1) | (super >> 1) | (shift << 2), chord.Key);
        Flush();
    }

    /// <summary>Lets a presenter in.</summary>
    /// <param name="connection">The desktop's end of its connection; borrowed.</param>
    /// <param name="section">How it is framed.</param>
    /// <param name="listener">Hears when it is gone.</param>
    public GuestSurfacesGuestV1 LetIn(UnixSocketHandle connection, GuestSection section, IGuestSurfacesGuestV1Listener listener)
    {
        var frame = section.HasFrame switch { true => GuestSurfacesHostV1Frame.Always, false => GuestSurfacesHostV1Frame.Never, null => GuestSurfacesHostV1Frame.UnlessFullscreen };
        var guest = _host.CreateGuest(connection, section.Color, frame);
        guest.Listener = listener;
        return guest;
    }

    /// <summary>Sends what was asked.</summary>
    public void Flush()
    {
        _connection.Flush();
        if (_connection.WantsWrite == _asksForWrite)
            return;
        _asksForWrite = !_asksForWrite;
        _watch.Modify(_asksForWrite ? EpollEvents.In | EpollEvents.Out : EpollEvents.In);
    }

    /// <inheritdoc/>
    public void OnReady(EpollEvents events)
    {
        _connection.Dispatch();
        Flush();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _watch.Dispose();
        _connection.Dispose();
    }

    /// <summary>A text as one message can have it.</summary>
    internal static string ToLine(string text)
    {
        var line = text.ReplaceLineEndings(" ").Replace('\0', ' ');
        return line.Length > MaxLine ? $"{line.AsSpan(0, MaxLine)}…" : line;
    }

    void IWaylandConnectionListener.OnFailed(WaylandConnection connection, WaylandFailure failure) => _loop.Stop();
}
