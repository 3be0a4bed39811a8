// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli.Hosting;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace GuestSurfaces.Cli.Status;

/// <summary>What the guests say, again and again: on a screen of its own that fits the terminal, or as a line of JSON each time. Ends with q or Ctrl-C, and leaves the terminal as it was.</summary>
internal static class StatusWatch
{
    /// <summary>What is told where no guest runs.</summary>
    public const string Nobody = "No guest runs in this session.\n  start one: guest-surfaces run -- qemu-system-x86_64 -m 2G disk.qcow2\n  or a picture without a VM: guest-surfaces fake-guest";

    /// <summary>What is told where no guest of a name runs.</summary>
    /// <param name="name">The name.</param>
    /// <param name="all">The guests that do run.</param>
    public static string NobodyNamed(string name, IEnumerable<StatusSnapshot> all) =>
        $"No guest named {name} runs in this session{(NamesOf(all) is { Length: > 0 } names ? $"; there is {names}" : "")}.";

    /// <summary>Whom one could have meant.</summary>
    /// <param name="all">The guests that run.</param>
    public static string NamesOf(IEnumerable<StatusSnapshot> all) => string.Join(", ", all.Select(static guest => guest.Name).Distinct());

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_glance = TimeSpan.FromMilliseconds(50); // at keys and at the terminal's size

    /// <summary>Watches until the user has seen enough.</summary>
    /// <param name="folder">Where the guests are.</param>
    /// <param name="name">Only those of this name; null: all.</param>
    /// <param name="json">One line each time.</param>
    /// <param name="output">Where to.</param>
    public static int Run(StatusFolder folder, string? name, bool json, TextWriter output)
    {
        using var end = new CancellationTokenSource();
        using var signals = new StopSignals(end.Cancel);
        var earlier = new Dictionary<int, StatusSnapshot>();
        IReadOnlyList<StatusSnapshot> Ask()
        {
            var guests = folder.Ask(out _).Where(guest => name is null || guest.Name == name).Select(guest => earlier.TryGetValue(guest.Pid, out var before) ? guest.Since(before) : guest).ToList();
            earlier = guests.ToDictionary(static guest => guest.Pid);
            return guests;
        }

        if (json || Console.IsOutputRedirected)
            WriteLines(Ask, json, output, end.Token);
        else
            Draw(Ask, end.Token);
        return 0;
    }

    private static void WriteLines(Func<IReadOnlyList<StatusSnapshot>> ask, bool json, TextWriter output, CancellationToken end)
    {
        do
        {
            var guests = ask();
            if (json)
                output.WriteLine(StatusSnapshot.ToJsonLine(guests));
            else
                PlainConsole.Create(output).Write(View(guests, StatusView.Columns, hint: null));
            output.Flush();
        }
        while (!end.WaitHandle.WaitOne(s_interval));
    }

    private static void Draw(Func<IReadOnlyList<StatusSnapshot>> ask, CancellationToken end)
    {
        var console = PlainConsole.Create(Console.Out);
        console.AlternateScreen(() =>
        {
            var isOver = false;
            while (!isOver)
            {
                // A terminal of another size shows what was drawn in another shape: all of it is drawn anew.
                console.Clear(home: true);
                var size = Size();
                (console.Profile.Width, console.Profile.Height) = size;
                console.Live(Text.Empty).AutoClear(true).Overflow(VerticalOverflow.Crop).Cropping(VerticalOverflowCropping.Bottom).Start(live =>
                {
                    do
                        live.UpdateTarget(View(ask(), size.Width, "q ends"));
                    while (!(isOver = Ends(size, end)) && size == Size());
                });
            }
        });
    }

    private static (int Width, int Height) Size() => (Math.Max(Console.WindowWidth, 1), Math.Max(Console.WindowHeight, 1));

    /// <summary>Waits until it is time to ask again, or the terminal has another size.</summary>
    /// <returns>Whether the user has seen enough.</returns>
    private static bool Ends((int Width, int Height) size, CancellationToken end)
    {
        for (var waited = TimeSpan.Zero; waited < s_interval && size == Size(); waited += s_glance)
        {
            if (end.WaitHandle.WaitOne(s_glance))
                return true;
            while (!Console.IsInputRedirected && Console.KeyAvailable)
            {
                if (Console.ReadKey(intercept: true).KeyChar is 'q' or 'Q')
                    return true;
            }
        }

        return false;
    }

    private static Rows View(IReadOnlyList<StatusSnapshot> guests, int columns, string? hint)
    {
        var blocks = new List<IRenderable>();
        if (hint is not null)
            blocks.AddRange([new Text(hint, new Style(decoration: Decoration.Dim)), Text.Empty]);
        foreach (var guest in guests)
            blocks.AddRange([StatusView.Create(guest, columns), Text.Empty]);
        if (guests.Count == 0)
            blocks.Add(new Text(Nobody));
        return new Rows(blocks);
    }
}
