// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Benchmarks.Measuring;
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Benchmarks.Peers;

/// <summary>Other processes of the neighbours' measurement. Each goes on until it is killed.</summary>
internal static class NeighbourPeers
{
    private const int TurnMs = 100;

    /// <summary>A guest that means harm, at a back-end's socket.</summary>
    public static string[] Hostile(string path) => ["dotnet", Places.Self, "hostile", path];

    /// <summary>A processor's worth of computing, as any guest may do.</summary>
    public static string[] Busy => ["dotnet", Places.Self, "busy"];

    /// <summary>Several guests' back-ends on one loop.</summary>
    /// <param name="folder">Where they listen: "0", "1", ….</param>
    /// <param name="guests">How many.</param>
    /// <param name="display">The compositor's socket.</param>
    public static string[] Loop(string folder, int guests, string display) =>
        ["dotnet", Places.Self, "loop", folder, guests.ToString(CultureInfo.InvariantCulture), display];

    public static int RunHostile(string[] arguments)
    {
        using var guest = new HostileGuest(arguments[0], seed: 1);
        while (true)
            guest.Turn(TurnMs);
    }

    public static int RunBusy()
    {
        for (var x = 1u; ; x = unchecked((x * 1_664_525) + 1_013_904_223))
        {
            if (x == 0)
                Thread.SpinWait(1);
        }
    }

    public static int RunLoop(string[] arguments)
    {
        using var host = new BackendHost(arguments[0], int.Parse(arguments[1], CultureInfo.InvariantCulture), heads: 1, arguments[2]);
        while (true)
            host.RunFor(1_000_000_000);
    }
}
