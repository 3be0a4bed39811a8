// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Testing.Seats;

/// <summary>
/// A user of a real compositor: types and points by virtual devices (virtual-keyboard-unstable-v1, wlr-virtual-pointer-unstable-v1), which sway has. When a
/// call returns the compositor has handled what was done; who has the focus may not have read it yet.
/// </summary>
public sealed class VirtualSeat : IDisposable
{
    private const int EvdevToXkb = 8;
    private const int UnitsPerClick = 15; // what a click comes to, as libinput tells compositors

    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(10);

    private readonly WaylandConnection _connection;
    private readonly WaylandGlobals _globals;
    private readonly ZwlrVirtualPointerV1 _pointer;
    private readonly uint _width;
    private readonly uint _height;
    private ZwpVirtualKeyboardV1? _keyboard;
    private uint _time;

    /// <summary>The last key: what is above, no keymap has a number for.</summary>
    public const ushort LastKey = byte.MaxValue - EvdevToXkb;

    /// <summary>Plugs a keyboard and a pointer in.</summary>
    /// <param name="display">The compositor's socket.</param>
    /// <param name="width">Of its output.</param>
    /// <param name="height">Likewise.</param>
    /// <exception cref="NotSupportedException">The compositor has no such devices.</exception>
    public VirtualSeat(string display, int width, int height)
    {
        (_width, _height) = ((uint)width, (uint)height);
        _connection = WaylandConnection.Connect(display);
        _globals = new WaylandGlobals(_connection);
        _connection.Roundtrip(s_timeout);
        _pointer = _globals.Require<ZwlrVirtualPointerManagerV1>().CreateVirtualPointer(null);
        PlugKeyboard();
    }

    /// <summary>Plugs the keyboard in, once more if it was unplugged.</summary>
    public void PlugKeyboard()
    {
        _keyboard = _globals.Require<ZwpVirtualKeyboardManagerV1>().CreateVirtualKeyboard(_globals.Require<WlSeat>());
        var text = Encoding.ASCII.GetBytes(Keymap() + '\0');
        using var keymap = MemFdHandle.TryCreateSealed("keymap", (ulong)text.Length, out var errno) ?? throw new SyscallException("making room for a keymap", errno);
        using (var region = SharedRegion.TryOpen(keymap.Duplicate<MemFdHandle>(), 0, (ulong)text.Length, mayMap: true, out _)!)
            _ = region.TryWrite(0, text);
        _keyboard.Keymap((uint)WlKeyboardKeymapFormat.XkbV1, keymap, (uint)text.Length);
        Settle();
    }

    /// <summary>Unplugs it, whatever is pressed.</summary>
    public void UnplugKeyboard()
    {
        _keyboard?.Destroy();
        _keyboard = null;
        Settle();
    }

    /// <summary>Presses or releases a key.</summary>
    /// <param name="key">Its evdev code.</param>
    /// <param name="isPressed">Which of both.</param>
    public void Key(ushort key, bool isPressed)
    {
        _keyboard!.Key(++_time, key, isPressed ? 1u : 0u);
        Settle();
    }

    /// <summary>Points at a pixel of the output.</summary>
    public void MoveTo(int x, int y)
    {
        _pointer.MotionAbsolute(++_time, (uint)x, (uint)y, _width, _height);
        EndFrame();
    }

    /// <summary>Moves by so many pixels.</summary>
    public void MoveBy(double x, double y)
    {
        _pointer.Motion(++_time, WlFixed.FromDouble(x), WlFixed.FromDouble(y));
        EndFrame();
    }

    /// <summary>Presses or releases a button.</summary>
    /// <param name="button">Its evdev code.</param>
    /// <param name="isPressed">Which of both.</param>
    public void Button(ushort button, bool isPressed)
    {
        _pointer.Button(++_time, button, isPressed ? 1u : 0u);
        EndFrame();
    }

    /// <summary>Turns a wheel.</summary>
    /// <param name="axis">Which.</param>
    /// <param name="clicks">Down and right are positive.</param>
    public void Turn(WlPointerAxis axis, int clicks)
    {
        _pointer.AxisSource((uint)WlPointerAxisSource.Wheel);
        _pointer.AxisDiscrete(++_time, (uint)axis, WlFixed.FromDouble(clicks * UnitsPerClick), clicks);
        EndFrame();
    }

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    private void EndFrame()
    {
        _pointer.Frame();
        Settle();
    }

    private void Settle() => _connection.Roundtrip(s_timeout);

    // Every key has a symbol: which one is nobody's business here, but keys without any aren't passed on everywhere.
    private static string Keymap()
    {
        var (codes, symbols) = (new StringBuilder(), new StringBuilder());
        for (var key = 1; key <= LastKey; key++)
        {
            codes.Append(CultureInfo.InvariantCulture, $"<K{key}> = {key + EvdevToXkb};\n");
            symbols.Append(CultureInfo.InvariantCulture, $"key <K{key}> {{ [ a ] }};\n");
        }

        return $$"""
            xkb_keymap {
            xkb_keycodes "test" { minimum = {{EvdevToXkb}}; maximum = {{byte.MaxValue}};
            {{codes}} };
            xkb_types "test" { include "complete" };
            xkb_compatibility "test" { include "complete" };
            xkb_symbols "test" { {{symbols}} };
            };
            """;
    }
}
