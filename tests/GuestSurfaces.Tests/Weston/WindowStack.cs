// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.Screenshots;
using GuestSurfaces.Tests.Lab;
using Xunit;

namespace GuestSurfaces.Tests.Weston;

/// <summary>
/// Two guests and an ordinary client, whose windows lie over each other somehow. Each has a colour of its own, and each guest's frame another one, so that a screenshot tells what is whose.
/// </summary>
internal sealed class WindowStack : IDisposable
{
    private const int Side = 4;

    private static readonly uint[] s_contents = [0x00FF00, 0x00FFFF, 0xFFFFFF];
    private static readonly uint?[] s_frames = [0xFF0000, 0xFF00FF, null];

    private readonly ModuleDesktop _desktop;
    private readonly Box[] _outer = new Box[3];
    private readonly CommandFifo[] _commands = new CommandFifo[3];
    private readonly LabProcess _client;

    /// <summary>Starts the desktop and its windows.</summary>
    /// <param name="desktop">Borrowed.</param>
    public WindowStack(ModuleDesktop desktop)
    {
        _desktop = desktop;
        for (var window = 0; window < 3; window++)
            _commands[window] = new CommandFifo(Fifo(window));
        desktop.Start([.. Enumerable.Range(0, 2).Select(i => $"name=guest{i}\ncommand=exec {desktop.Presenter} obey {Fifo(i)} {i}\nlabel-color=0x{s_frames[i]:x6}")]);
        desktop.WaitUntil(() => desktop.Output.Split("shown").Length == 3);
        _client = LabProcess.Start(desktop.Presenter, ["obey", Fifo(2), "2"], new Dictionary<string, string> { ["WAYLAND_DISPLAY"] = desktop["wl-module"], ["XDG_RUNTIME_DIR"] = desktop["."] });
        desktop.WaitUntil(() => _client.Output.Contains("shown", StringComparison.Ordinal));
    }

    /// <summary>Raises each in turn, twice: it is whole then, with its frame, and what is seen of the others is inside of theirs.</summary>
    public void RaiseEach()
    {
        for (var window = 0; window < 3; window++)
        {
            Raise(window);
            _desktop.WaitUntil(() => Examine(window) is null, () => Examine(window) ?? "");
        }

        foreach (var window in new[] { 1, 0, 2, 0, 1 })
        {
            Raise(window);
            _desktop.WaitUntil(() => ExamineAll(window) is null, () => ExamineAll(window) ?? "");
        }
    }

    /// <summary>Minimises a guest: nothing of it is left, nor of its frame, once anything else happens.</summary>
    public void Minimise(int window)
    {
        Tell(window, "minimise");
        Raise(2);
        _desktop.WaitUntil(() => !_desktop.Shoot().ToPixels().Any(pixel => pixel == s_contents[window] || pixel == s_frames[window]));
    }

    /// <summary>A guest makes itself full-screen, and a window again: its frame is whole wherever the shell has put it, on the screen's edge too.</summary>
    public void FillScreen(int window)
    {
        var before = _outer[window];
        Tell(window, "fullscreen");
        _desktop.WaitUntil(() => Examine(window) is null && _outer[window] is var outer && outer != before && outer.Right == ModuleDesktop.Width && outer.Bottom == ModuleDesktop.Height, () => $"{_outer[window]} {Examine(window)}");
        Tell(window, "window");
        Raise(window);
        _desktop.WaitUntil(() => Examine(window) is null && _outer[window].Right - _outer[window].Left <= 260, () => $"{_outer[window]} {Examine(window)}");
    }

    public void Dispose()
    {
        _client.Dispose();
        foreach (var commands in _commands)
            commands.Dispose();
    }

    private string Fifo(int window) => _desktop[$"commands{window}"];

    // (without a seat nobody can click: a window that is opened anew is on top)
    private void Raise(int window) => Tell(window, "open");

    private void Tell(int window, string command)
    {
        var done = $"{window} has done {command}";
        var before = Count();
        _commands[window].Write(command);
        _desktop.WaitUntil(() => Count() > before);

        int Count() => (window == 2 ? _client.Output : _desktop.Output).Split(done).Length;
    }

    // What is wrong with the topmost window; null: nothing, and this is its place.
    private string? Examine(int window)
    {
        var picture = _desktop.Shoot();
        var outer = Box.Around(picture, pixel => pixel == s_contents[window] || pixel == s_frames[window]);
        _outer[window] = outer;
        for (var y = outer.Top; y < outer.Bottom; y++)
        {
            for (var x = outer.Left; x < outer.Right; x++)
            {
                var expected = s_frames[window] is { } frame && !outer.Inside(Side).Contains(x, y) ? frame : s_contents[window];
                if (picture[x, y] != expected)
                    return $"window {window} in {outer}: ({x},{y}) is {picture[x, y]:x6} instead of {expected:x6}";
            }
        }

        return outer.Right - outer.Left < 200 || outer.Bottom - outer.Top < 120 ? $"window {window} is {outer}" : null;
    }

    private string? ExamineAll(int top)
    {
        if (Examine(top) is { } problem)
            return problem;
        var picture = _desktop.Shoot();
        for (var window = 0; window < 3; window++)
        {
            for (var y = 0; y < picture.Height; y++)
            {
                for (var x = 0; x < picture.Width; x++)
                {
                    var inside = s_frames[window] is null ? _outer[window] : _outer[window].Inside(Side);
                    if (picture[x, y] == s_contents[window] && !inside.Contains(x, y))
                        return $"window {window} in {_outer[window]} shows ({x},{y})";
                    if (picture[x, y] == s_frames[window] && (!_outer[window].Contains(x, y) || inside.Contains(x, y)))
                        return $"the frame of window {window} in {_outer[window]} shows ({x},{y})";
                }
            }
        }

        return null;
    }

    private readonly record struct Box(int Left, int Top, int Right, int Bottom)
    {
        public static Box Around(Picture picture, Func<uint, bool> isWanted)
        {
            var box = new Box(picture.Width, picture.Height, 0, 0);
            for (var y = 0; y < picture.Height; y++)
            {
                for (var x = 0; x < picture.Width; x++)
                {
                    if (isWanted(picture[x, y]))
                        box = new Box(Math.Min(box.Left, x), Math.Min(box.Top, y), Math.Max(box.Right, x + 1), Math.Max(box.Bottom, y + 1));
                }
            }

            return box;
        }

        public Box Inside(int side) => new(Left + side, Top + side, Right - side, Bottom - side);

        public bool Contains(int x, int y) => x >= Left && x < Right && y >= Top && y < Bottom;
    }
}
