// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Interop;
using GuestSurfaces.Link;
using GuestSurfaces.Presentation;
using GuestSurfaces.Presentation.Input;

namespace GuestSurfaces.Cli.Commands;

/// <summary>Options that several commands share; each command adds those it means.</summary>
internal sealed class CommonOptions
{
    private const int MaxNameLength = 100;
    private const int MaxMode = 0x1ff; // 0777
    private const UnixFileMode OwnerAndGroup = LinkListener.OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private static readonly string[] s_policies = [.. Enum.GetNames<FlipPolicy>().Select(static name => name.ToLowerInvariant())];

    /// <summary>What --note may tell: members of <see cref="StatsReport"/> that this program can't find out.</summary>
    private static readonly string[] s_noteKeys = ["guest", "vmm", "accelerator", "accelerator_reason", "compositor"];

    public Option<string> Name { get; } = new("--name", "-n")
    {
        Description = "The guest's name: in the window's title and its app id (org.guestsurfaces.NAME).",
        DefaultValueFactory = _ => "guest",
        HelpName = "NAME",
    };

    public Option<bool> Fullscreen { get; } = new("--fullscreen") { Description = "Open the windows full screen." };

    public Option<int> Outputs { get; } = new("--outputs")
    {
        Description = $"How many heads (1 to {Limits.MaxScanouts}) the guest's graphics card has.",
        DefaultValueFactory = _ => 1,
        HelpName = "N",
    };

    public Option<string> Size { get; } = new("--size")
    {
        Description = "The size in pixels that the guest is told its screen has.",
        DefaultValueFactory = _ => "1280x800",
        HelpName = "WIDTHxHEIGHT",
    };

    public Option<string?> Stats { get; } = new("--stats")
    {
        Description = "Write what was measured to this file as JSON when the program ends.",
        HelpName = "FILE",
    };

    public Option<string[]> Note { get; } = new("--note")
    {
        Description = $"A fact for the statistics that only the caller knows; may be repeated. Keys: {string.Join(", ", s_noteKeys)}.",
        HelpName = "KEY=VALUE",
    };

    public Option<bool> NoDisplay { get; } = new("--no-display")
    {
        Description = "Show nothing: the guest gets its device and its answers at a paced rate. For tests, and for machines without a session.",
    };

    public Option<string?> Link { get; } = new("--link")
    {
        Description = "Show nothing here: serve viewers (guest-surfaces present) at this socket, by default $XDG_RUNTIME_DIR/guest-surfaces/NAME.link.",
        Arity = ArgumentArity.ZeroOrOne,
        HelpName = "PATH",
    };

    public Option<string?> LinkMode { get; } = new("--link-mode")
    {
        Description = "The mode of the link's socket: who may write to it may view. By default 0600, with --link-group 0660.",
        HelpName = "OCTAL",
    };

    public Option<string?> LinkGroup { get; } = new("--link-group")
    {
        Description = "Give the link's socket to this group. Its folder must let the group in, too: say --link PATH outside $XDG_RUNTIME_DIR.",
        HelpName = "GROUP",
    };

    public Option<string?> Keyboard { get; } = CreateInput("--keyboard", "the guest's keyboard");

    public Option<string?> Pointer { get; } = CreateInput("--pointer", "its pointer, which follows the one of the desktop");

    public Option<string?> Mouse { get; } = CreateInput("--mouse", "its mouse, for when it has keyboard and mouse for itself (--grab-chord)");

    public Option<string?> Touch { get; } = CreateInput("--touch", "its touchscreen");

    public Option<string?> Tablet { get; } = CreateInput("--tablet", "its graphics tablet");

    public Option<string> GrabChord { get; } = CreateGrabChord();

    public Option<bool> NoIsolation { get; } = new("--no-isolation")
    {
        Description =
            "Let the device's process keep what it doesn't need: files, network, every system call. To debug or profile it, or where isolating it does harm (please report that).",
    };

    public Option<string> ZeroCopy { get; } = CreateZeroCopy();

    public Option<bool> Alias2D { get; } = new("--alias-2d")
    {
        Description =
            "Show the pages of guests without blobs as they are, too, instead of what they copied to the device. "
            + "Nothing tells such a guest when they are read, so it may draw meanwhile, and pictures may tear: hence only on request.",
    };

    public Option<bool> Convert { get; } = CreateConvert();

    public Option<bool> NoResize { get; } = CreateNoResize();

    public Option<string> Policy { get; } = CreatePolicy();

    public Option<string> Sync { get; } = CreateSync();

    public Option<bool> Verbose { get; } = new("--verbose", "-v") { Description = "Log every step of the conversations." };

    /// <summary>Reads the options that a command has.</summary>
    /// <param name="result">The parsed command line.</param>
    public HostOptions Read(ParseResult result)
    {
        var outputs = result.GetValue(Outputs);
        if (outputs is < 1 or > Limits.MaxScanouts)
            throw new UserErrorException($"--outputs {outputs} isn't a number of heads", $"say 1 to {Limits.MaxScanouts}");
        return new HostOptions
        {
            Name = ParseName(result.GetValue(Name)!),
            Fullscreen = result.GetValue(Fullscreen),
            Outputs = outputs,
            Size = ParseSize(result.GetValue(Size)!),
            StatsPath = CheckStats(result.GetValue(Stats)),
            Notes = ParseNotes(result.GetValue(Note) ?? []),
            ShowWindows = !result.GetValue(NoDisplay),
            ServesLink = result.GetResult(Link) is not null && !result.GetValue(NoDisplay),
            LinkPath = result.GetValue(Link),
            LinkMode = ParseMode(result.GetValue(LinkMode)) ?? (result.GetValue(LinkGroup) is null ? LinkListener.OwnerOnly : OwnerAndGroup),
            LinkGroup = ParseGroup(result.GetValue(LinkGroup)),
            InputPaths = ReadInputs(result),
            GrabChord = result.GetValue(GrabChord) is { } chord ? ParseGrabChord(chord) : Presentation.Input.GrabChord.Default,
            Isolate = !result.GetValue(NoIsolation),
            ZeroCopy = result.GetValue(ZeroCopy) != "off",
            Alias2D = result.GetValue(Alias2D),
            Convert = result.GetValue(Convert),
            ResizeGuest = !result.GetValue(NoResize),
            Policy = ParsePolicy(result.GetValue(Policy)),
            Sync = ParseSync(result.GetValue(Sync)),
            Verbose = result.GetValue(Verbose),
        };
    }

    /// <summary>For commands that show windows.</summary>
    internal static Option<bool> CreateConvert() => new("--convert")
    {
        Description = "Let the GPU draw every shared picture once more, also where the compositor would take it as it is: a way around one that shows it wrongly.",
    };

    /// <summary>For commands that show windows.</summary>
    internal static Option<bool> CreateNoResize() => new("--no-resize")
    {
        Description = "Leave the guest its own size and scale its picture, instead of giving it the window's size in pixels, with the monitor's refresh rate and density.",
    };

    /// <summary>For commands that show windows.</summary>
    internal static Option<string> CreatePolicy()
    {
        var option = new Option<string>("--policy")
        {
            Description =
                "What becomes of flips that come faster than the screen refreshes. mailbox: the newest is shown. fifo: each is shown for a refresh, where the compositor has fifo and the guest waits for its "
                + "flips. immediate: a full-screen window may tear, for games. guest-surfaces status says which is in force, and why.",
            DefaultValueFactory = static _ => s_policies[0],
            HelpName = string.Join('|', s_policies),
        };
        option.AcceptOnlyFromAmong(s_policies);
        return option;
    }

    /// <summary>For commands that show windows.</summary>
    internal static Option<string> CreateSync()
    {
        string[] names = ["auto", .. SyncModes.Names];
        var option = new Option<string>("--sync")
        {
            Description = "How to agree with the compositor on when a buffer may be drawn into again. auto: the best that both have. By hand, to try or to avoid one; what can't be had isn't used.",
            DefaultValueFactory = _ => names[0],
            HelpName = string.Join('|', names),
        };
        option.AcceptOnlyFromAmong(names);
        return option;
    }

    internal static FlipPolicy ParsePolicy(string? text) => Enum.TryParse<FlipPolicy>(text, ignoreCase: true, out var policy) ? policy : FlipPolicy.Mailbox;

    internal static SyncMode? ParseSync(string? text) => text is null ? null : SyncModes.TryParse(text);

    private static Option<string?> CreateInput(string name, string what) => new(name)
    {
        Description = $"Listen here for the VMM's vhost-user-input device that is {what}.",
        HelpName = "PATH",
    };

    private Dictionary<InputKind, string> ReadInputs(ParseResult result)
    {
        var paths = new Dictionary<InputKind, string>();
        (InputKind, Option<string?>)[] options = [(InputKind.Keyboard, Keyboard), (InputKind.Pointer, Pointer), (InputKind.Mouse, Mouse), (InputKind.Touch, Touch), (InputKind.Tablet, Tablet)];
        foreach (var (kind, option) in options)
        {
            if (result.GetValue(option) is { } path)
                paths.Add(kind, path);
        }

        return paths;
    }

    private static Option<string> CreateZeroCopy()
    {
        var option = new Option<string>("--zero-copy")
        {
            Description = "auto: show the guest's own pages where guest, kernel and compositor allow it (guest-surfaces status says why not). off: always copy.",
            DefaultValueFactory = _ => "auto",
            HelpName = "auto|off",
        };
        option.AcceptOnlyFromAmong("auto", "off");
        return option;
    }

    /// <summary>For commands that show windows.</summary>
    internal static Option<string> CreateGrabChord() => new("--grab-chord")
    {
        Description = "The keys that give the guest keyboard and mouse for itself, and take them back.",
        DefaultValueFactory = _ => "ctrl+alt+g",
        HelpName = "CHORD",
    };

    internal static GrabChord ParseGrabChord(string text) =>
        Presentation.Input.GrabChord.TryParse(text)
        ?? throw new UserErrorException(
            $"--grab-chord {text} isn't a chord",
            "say one or more of ctrl, shift, alt and super, then a letter, a digit, f1 to f12, escape, space, home, end, insert, delete or pause; for example ctrl+alt+g");

    internal static string ParseName(string name) =>
        name.Length is 0 or > MaxNameLength || name.Any(char.IsControl)
            ? throw new UserErrorException("--name isn't a name for a window", $"say 1 to {MaxNameLength} letters")
            : name;

    private static UnixFileMode? ParseMode(string? text)
    {
        if (text is null)
            return null;
        if (text.Length is >= 3 and <= 4 && text.All(static c => c is >= '0' and <= '7') && System.Convert.ToInt32(text, 8) is var mode && mode <= MaxMode)
            return (UnixFileMode)mode;
        throw new UserErrorException($"--link-mode {text} isn't a socket's mode", "write it in octal, for example 0660");
    }

    private static uint? ParseGroup(string? name) => name is null
        ? null
        : UserGroup.TryFind(name) ?? throw new UserErrorException($"--link-group {name}: there is no such group", "getent group lists them");

    // Said now, not when an hour's run is over.
    private static string? CheckStats(string? path)
    {
        if (path is not null && (path.Length == 0 || Directory.Exists(path) || !Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(path)))))
            throw new UserErrorException($"--stats {path} can't be written: it isn't a file in a folder that is there", "for example --stats stats.json");
        return path;
    }

    internal static BufferSize ParseSize(string text)
    {
        var parts = text.Split('x');
        if (parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var width) && width is >= 64 and <= 16384
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var height) && height is >= 64 and <= 16384)
            return new BufferSize(width, height);
        throw new UserErrorException($"--size {text} isn't a size", "write it as 1920x1080; each side 64 to 16384");
    }

    private static Dictionary<string, string> ParseNotes(string[] notes)
    {
        var parsed = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var note in notes)
        {
            var at = note.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0)
                throw new UserErrorException($"--note {note} isn't KEY=VALUE", "for example --note guest=debian-12");
            if (!s_noteKeys.Contains(note[..at]))
                throw new UserErrorException($"--note {note}: nobody knows the key {note[..at]}", $"use one of {string.Join(", ", s_noteKeys)}");
            parsed[note[..at]] = note[(at + 1)..];
        }

        return parsed;
    }
}
