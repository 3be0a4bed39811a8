// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Presentation;

/// <summary>What a guest's windows are on the desktop.</summary>
public enum PlacementKind
{
    /// <summary>Ordinary windows.</summary>
    Window,

    /// <summary>They fill screens.</summary>
    Fullscreen,

    /// <summary>They lie under all windows.</summary>
    Background,
}

/// <summary>How placements are spelled, on command lines and in weston.ini.</summary>
public static class PlacementKinds
{
    /// <summary>A placement's name.</summary>
    /// <param name="kind">Any.</param>
    public static string Name(this PlacementKind kind) => kind switch
    {
        PlacementKind.Fullscreen => "fullscreen",
        PlacementKind.Background => "background",
        _ => "window",
    };

    /// <summary>All names.</summary>
    public static IReadOnlyList<string> Names { get; } = [PlacementKind.Window.Name(), PlacementKind.Fullscreen.Name(), PlacementKind.Background.Name()];

    /// <summary>The placement of a name; null if there is none.</summary>
    /// <param name="name">As <see cref="Name"/> spells it.</param>
    public static PlacementKind? TryParse(string name)
    {
        foreach (var kind in Enum.GetValues<PlacementKind>())
        {
            if (kind.Name() == name)
                return kind;
        }

        return null;
    }
}
