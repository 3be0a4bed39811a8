// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing;
using GuestSurfaces.Tests.VhostUser;
using Xunit;

namespace GuestSurfaces.Tests.Orders;

/// <summary>
/// Every order of what can happen to a picture, as a generated table: nothing is used after it is free, nothing is pinned after its last user, and every request of the
/// guest is answered exactly once. <see cref="WholeWay"/> says what is looked at. An order that fails is named; GS_ORDER set to that name runs it alone.
/// </summary>
[Collection(Alone.Name)]
public sealed class OrderTests : IDisposable
{
    private const int ChunkSize = 64;

    // After this a flip that nobody answers has timed out (35 ms), and a screen that was turned off is black (100 ms).
    private const long LongNs = 120 * WholeWay.Ms;

    private static readonly string? s_alone = Environment.GetEnvironmentVariable("GS_ORDER");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gs-orders");

    private string SocketPath => Path.Combine(_folder.FullName, "vm");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(false, 949)]
    [InlineData(true, 1434)]
    public void Each_of_the_5040_orders_is_a_line_of_the_table(bool reboots, int lines)
    {
        var things = Things(reboots);
        var table = Order.Whole(things).Select(static line => string.Join(' ', line)).ToHashSet();
        var orders = Permutations([], things).ToList();
        Assert.Equal(5040, orders.Count);
        Assert.All(orders, order => Assert.Contains(string.Join(' ', Order.Reduce(order)), table));
        Assert.Equal(lines, table.Count);

        static IEnumerable<Happening[]> Permutations(Happening[] before, Happening[] left) =>
            left.Length == 0 ? [before] : left.SelectMany(what => Permutations([.. before, what], [.. left.Where(other => other != what)]));
    }

    [Theory]
    [InlineData("Direct", "Apart")]
    [InlineData("Direct", "Apart", true)]
    [InlineData("Direct", "AtOnce")]
    [InlineData("Copy", "Slowly")]
    public void In_whatever_order_everything_goes_nothing_is_left(string way, string pace, bool reboots = false) =>
        RunAll(Lines(way, pace, Order.Whole(Things(reboots))), static (world, order) => Run(world, order));

    /// <summary>After up to four things everything comes back, is shown as it should be, and ends.</summary>
    [Theory]
    [InlineData("Direct", "AtOnce")]
    [InlineData("LateDirect", "Apart", true)]
    [InlineData("Copy", "Apart")]
    [InlineData("CopiedBlob", "Slowly", true)]
    [InlineData("Alias", "Apart", true)]
    public void Whatever_went_in_whatever_order_can_come_back(string way, string pace, bool reboots = false) =>
        RunAll(Lines(way, pace, Order.Begun(Things(reboots), longest: 4)), static (world, order) =>
        {
            Run(world, order);
            world.ComeBack();
            world.CheckShown();

            // Any of the three may be the first to end.
            Action[] ends = [() => world.Happen(Happening.VmDead), () => world.Happen(Happening.PresenterGone), world.EndDevice];
            for (var i = 0; i < ends.Length; i++)
            {
                ends[(order.Happenings.Count + i) % ends.Length]();
                world.Check();
            }
        });

    /// <summary>The table can fail: with a bug put in, the check that is meant for it does.</summary>
    [Theory]
    [InlineData("AnswerLost", "requests of the guest are unanswered")]
    [InlineData("AnswerRepeated", "answered twice")]
    [InlineData("AnswerRepeated", "written after its driver was gone", true)]
    [InlineData("LockKept", "has 1 locks")]
    public void A_bug_put_in_is_found(string flaw, string complaint, bool isLate = false)
    {
        var e = Assert.ThrowsAny<Exception>(() =>
        {
            using var world = new WholeWay(SocketPath, Way.Direct);
            if (!isLate)
                world.Sabotage(Enum.Parse<Flaw>(flaw));
            world.Check();
            world.ComeBack();
            world.CheckShown();
            world.Happen(Happening.GuestReset);
            world.Check();
            if (isLate)
                world.Sabotage(Enum.Parse<Flaw>(flaw));
            world.Happen(Happening.PresenterGone);
            world.Check();
            world.Happen(Happening.VmDead);
            world.CheckAlone();
        });
        Assert.Contains(complaint, e.Message, StringComparison.Ordinal);
    }

    private static Happening[] Things(bool reboots) => [.. Enum.GetValues<Happening>().Where(what => what != (reboots ? Happening.GuestReset : Happening.GuestRebooted))];

    private static List<Order> Lines(string way, string pace, IEnumerable<Happening[]> table) =>
        [.. table.Select(happenings => new Order(Enum.Parse<Way>(way), Enum.Parse<Pace>(pace), happenings)).Where(static order => s_alone is null || order.ToString() == s_alone)];

    private static void Run(WholeWay world, Order order)
    {
        world.Check();
        if (order.Pace == Pace.AtOnce)
        {
            world.AtOnce(order.Happenings);
            world.Check();
            return;
        }

        foreach (var what in order.Happenings)
        {
            world.Happen(what);
            world.Check();
            if (order.Pace != Pace.Slowly)
                continue;
            world.Pass(LongNs);
            world.Check();
            world.CheckAnswered();
        }
    }

    private void RunAll(List<Order> orders, Action<WholeWay, Order> play)
    {
        Holdings? before = null;
        Assert.SkipWhen(s_alone is not null && orders.Count == 0, $"GS_ORDER='{s_alone}' isn't one of these");
        foreach (var some in orders.Chunk(ChunkSize))
        {
            if (before is null)
            {
                Play(some[0], play); // loads whatever stays
                before = new Holdings();
            }

            foreach (var order in some)
                Play(order, play);
            if (before.Grown() is not { } grown)
                continue;
            foreach (var order in some)
            {
                before = new Holdings();
                Play(order, play);
                if (before.Grown() is { } leaked)
                    throw Failure(order, new InvalidOperationException(leaked));
            }

            throw Failure(some[0], new InvalidOperationException($"{grown}, by this order or one of the {some.Length - 1} after it, but not again"));
        }
    }

    private void Play(Order order, Action<WholeWay, Order> play)
    {
        try
        {
            using var world = new WholeWay(SocketPath, order.Way);
            play(world, order);
            world.CheckAlone();
        }
        catch (Exception e)
        {
            throw Failure(order, e);
        }
    }

    private static InvalidOperationException Failure(Order order, Exception e) => new($"GS_ORDER='{order}': {e.Message}", e);

    /// <summary>What the process holds: looking costs as much as an order does.</summary>
    private sealed class Holdings
    {
        private readonly FdLeakCheck _descriptors = new();
        private readonly int _mappings = RamMappings.Count;

        /// <summary>What there is more of; null if nothing.</summary>
        public string? Grown()
        {
            try
            {
                _descriptors.Dispose();
            }
            catch (InvalidOperationException e)
            {
                return e.Message;
            }

            return RamMappings.Count - _mappings is var more and not 0 ? $"{more} mappings of memory leaked" : null;
        }
    }
}
