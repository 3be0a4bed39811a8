// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Tests.Orders;

/// <summary>How fast things follow each other.</summary>
internal enum Pace
{
    /// <summary>Everybody has heard of one before the next.</summary>
    Apart,

    /// <summary>Time-outs come in between.</summary>
    Slowly,

    /// <summary>All in one turn of the loop.</summary>
    AtOnce,
}

/// <summary>One line of the table.</summary>
/// <param name="Way">How the guest's pixels get to the screen.</param>
/// <param name="Pace">How fast it goes.</param>
/// <param name="Happenings">What happens, first to last.</param>
internal sealed record Order(Way Way, Pace Pace, IReadOnlyList<Happening> Happenings)
{
    /// <summary>Its name, by which it can be run alone.</summary>
    public override string ToString() => $"{Way} {Pace} {string.Join(' ', Happenings)}".TrimEnd();

    /// <summary>Every order of some things. What happens to nobody is left out: orders that differ in nothing else are one line.</summary>
    /// <param name="things">All that can happen, each once.</param>
    public static IEnumerable<Happening[]> Whole(Happening[] things) => Begun(things, things.Length).Where(begun => Next(things, begun).Length == 0);

    /// <summary>Every order of some of these things, the empty one too.</summary>
    /// <param name="things">All that can happen, each once.</param>
    /// <param name="longest">How many happen at most.</param>
    public static IEnumerable<Happening[]> Begun(Happening[] things, int longest)
    {
        return After([]);

        IEnumerable<Happening[]> After(Happening[] before) =>
            before.Length == longest ? [before] : [before, .. Next(things, before).SelectMany(what => After([.. before, what]))];
    }

    /// <summary>An order without what happens to nobody.</summary>
    /// <param name="happenings">First to last.</param>
    public static Happening[] Reduce(IEnumerable<Happening> happenings) =>
        happenings.Aggregate(Array.Empty<Happening>(), static (before, what) => IsMoot(what, before) ? before : [.. before, what]);

    private static Happening[] Next(Happening[] things, Happening[] before) => [.. things.Where(what => !before.Contains(what) && !IsMoot(what, before))];

    /// <summary>Whether there is nobody left whom it could happen to.</summary>
    private static bool IsMoot(Happening what, Happening[] before) => what switch
    {
        Happening.ResourceDestroyed => before.Contains(Happening.VmDead) || before.Contains(Happening.GuestReset),
        Happening.GuestReset or Happening.GuestRebooted or Happening.MemoryRemoved => before.Contains(Happening.VmDead),
        Happening.CompositorGone => before.Contains(Happening.PresenterGone),
        _ => false,
    };
}
