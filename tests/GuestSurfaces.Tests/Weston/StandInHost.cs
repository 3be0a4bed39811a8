// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Tests.Weston;

/// <summary>Puts a C program in the host's place: one that says of each guest what a test wants, or a hostile one.</summary>
internal static class StandInHost
{
    /// <summary>To be said before the desktop starts.</summary>
    /// <param name="desktop">Whose host is another.</param>
    /// <param name="arguments">Of tests/native/weston-presenter.c, for a shell: <c>serve</c> with a placement's number and a command for each guest, or <c>rave</c>.</param>
    public static void HasHost(this ModuleDesktop desktop, string arguments) =>
        File.WriteAllText(desktop["bin/guest-surfaces"], $"#!/bin/sh\nexec {desktop.Presenter} {arguments}\n");

    /// <summary>A host that lets these in.</summary>
    /// <param name="desktop">Whose host is another.</param>
    /// <param name="guests">Each a placement's number (0 window, 1 fullscreen, 2 background) and the scenario of its presenter.</param>
    public static void HasGuests(this ModuleDesktop desktop, params string[] guests) =>
        desktop.HasHost($"serve {string.Join(' ', guests.Select(guest => $"\"{guest[0]} exec {desktop.Presenter} {guest[2..]}\""))}");
}
