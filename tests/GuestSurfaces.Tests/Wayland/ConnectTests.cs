// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Wayland;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Wayland;

[Collection(Alone.Name)]
public sealed class ConnectTests : IDisposable
{
    private static readonly string[] s_names = ["WAYLAND_SOCKET", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"];

    private readonly FdLeakCheck _leaks = new();
    private readonly Dictionary<string, string?> _before = s_names.ToDictionary(name => name, Environment.GetEnvironmentVariable);

    public ConnectTests()
    {
        foreach (var name in s_names)
            Environment.SetEnvironmentVariable(name, null);
    }

    public void Dispose()
    {
        foreach (var (name, value) in _before)
            Environment.SetEnvironmentVariable(name, value);
        _leaks.Dispose();
    }

    [Fact]
    public void An_inherited_socket_is_used_once()
    {
        var (ours, theirs) = UnixSocketHandle.CreatePair(nonBlocking: true);
        using var compositor = new LenientCompositor();
        compositor.Server.AddClient(theirs);
        Environment.SetEnvironmentVariable("WAYLAND_SOCKET", ours.Release().ToString(CultureInfo.InvariantCulture));
        using var connection = WaylandConnection.Connect();
        Assert.Null(Environment.GetEnvironmentVariable("WAYLAND_SOCKET"));
        var globals = new WaylandGlobals(connection);
        connection.Flush();
        compositor.Server.Dispatch();
        connection.Dispatch();
        Assert.NotNull(globals.Find("wl_compositor"));
    }

    [Fact]
    public void A_display_is_found_by_path_and_by_name()
    {
        var folder = Directory.CreateTempSubdirectory("gs-wl").FullName;
        using (var listening = UnixSocketHandle.Listen(Path.Combine(folder, "wayland-0")))
        {
            Environment.SetEnvironmentVariable("XDG_RUNTIME_DIR", folder);
            using (WaylandConnection.Connect())
            using (WaylandConnection.Connect("wayland-0"))
            using (WaylandConnection.Connect(Path.Combine(folder, "wayland-0")))
            {
                for (var i = 0; i < 3; i++)
                    listening.TryAccept(out _)!.Dispose();
            }

            Environment.SetEnvironmentVariable("WAYLAND_DISPLAY", "wayland-7");
            Assert.Contains("wayland-7", Assert.Throws<SyscallException>(WaylandConnection.Connect).Message);
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void A_missing_environment_is_explained()
    {
        Assert.Contains("XDG_RUNTIME_DIR", Assert.Throws<InvalidOperationException>(WaylandConnection.Connect).Message);
        Environment.SetEnvironmentVariable("WAYLAND_SOCKET", "x");
        Assert.Contains("WAYLAND_SOCKET", Assert.Throws<InvalidOperationException>(WaylandConnection.Connect).Message);
    }
}
