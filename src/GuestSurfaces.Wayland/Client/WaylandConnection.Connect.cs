// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Wayland;

/// <content>Finding the compositor.</content>
public sealed partial class WaylandConnection
{
    private const string SocketVariable = "WAYLAND_SOCKET";

    /// <summary>
    /// Connects as every Wayland client does: the socket that WAYLAND_SOCKET names (used up by this), else WAYLAND_DISPLAY (default
    /// <c>wayland-0</c>) in XDG_RUNTIME_DIR.
    /// </summary>
    /// <exception cref="SyscallException">Nobody listens there.</exception>
    /// <exception cref="InvalidOperationException">A variable is missing or makes no sense.</exception>
    public static WaylandConnection Connect()
    {
        var inherited = Environment.GetEnvironmentVariable(SocketVariable);
        if (string.IsNullOrEmpty(inherited))
            return Connect(Environment.GetEnvironmentVariable("WAYLAND_DISPLAY") is { Length: > 0 } display ? display : "wayland-0");
        if (!int.TryParse(inherited, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            throw new InvalidOperationException($"{SocketVariable} must be a file descriptor's number, not '{inherited}'");
        Environment.SetEnvironmentVariable(SocketVariable, null);
        return new WaylandConnection(UnixSocketHandle.FromInherited(number));
    }

    /// <summary>Connects to a named display.</summary>
    /// <param name="display">A path, or a name in XDG_RUNTIME_DIR.</param>
    /// <exception cref="SyscallException">Nobody listens there.</exception>
    /// <exception cref="InvalidOperationException">XDG_RUNTIME_DIR isn't set.</exception>
    public static WaylandConnection Connect(string display)
    {
        ArgumentException.ThrowIfNullOrEmpty(display);
        if (!Path.IsPathRooted(display))
        {
            var directory = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
            if (string.IsNullOrEmpty(directory))
                throw new InvalidOperationException($"XDG_RUNTIME_DIR isn't set, so the Wayland display '{display}' can't be found: set it, or name a path");
            display = Path.Combine(directory, display);
        }

        return new WaylandConnection(UnixSocketHandle.Connect(display));
    }
}
