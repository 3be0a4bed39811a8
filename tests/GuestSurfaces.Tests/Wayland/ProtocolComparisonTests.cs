// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing;
using GuestSurfaces.Wayland.Scanner;
using Xunit;

namespace GuestSurfaces.Tests.Wayland;

/// <summary>
/// protocol-xml against the XML that libwayland and wayland-protocols install: those of this system and, if GS_PROTOCOL_ROOT names the root of a
/// newer one, those too; the newest description of each interface counts.
/// </summary>
public sealed class ProtocolComparisonTests(ITestOutputHelper output)
{
    // Our own choice out of a long list: the formats that this project can meet.
    private static readonly string[] s_partialEnums = ["wl_shm.format"];

    private readonly List<string> _differences = [];
    private int _newer;

    [Fact]
    public void Every_message_argument_and_value_is_the_installed_one()
    {
        var theirs = Installed();
        if (theirs.Count == 0)
            Assert.Skip("neither libwayland-dev nor wayland-protocols is installed");
        var ours = Directory.EnumerateFiles(Repository.Path("protocol-xml"), "*.xml").SelectMany(Read).ToArray();
        var compared = 0;
        foreach (var type in ours)
        {
            if (!theirs.TryGetValue(type.Name, out var other))
            {
                output.WriteLine($"not installed here, so not compared: {type.Name}");
                continue;
            }

            compared++;
            Compare(type, other);
        }

        output.WriteLine($"compared {compared} interfaces; {_newer} of our messages and values are newer than what is installed");
        TestContext.Current.SendDiagnosticMessage($"compared {compared} interfaces");
        Assert.Empty(_differences);
        Assert.True(compared >= 25, $"only {compared} interfaces were found");
    }

    private static Dictionary<string, InterfaceModel> Installed()
    {
        // Enum values come without a new version: of equal versions the first, so the named root's, counts.
        string?[] roots = [Environment.GetEnvironmentVariable("GS_PROTOCOL_ROOT"), "/"];
        string[] folders = ["usr/share/wayland", "usr/share/wayland-protocols"];
        return roots.OfType<string>()
            .SelectMany(root => folders.Select(folder => Path.Combine(root, folder)))
            .Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.xml", SearchOption.AllDirectories))
            .SelectMany(Read)
            .GroupBy(type => type.Name)
            .ToDictionary(group => group.Key, group => group.MaxBy(type => type.Version)!);
    }

    private static IEnumerable<InterfaceModel> Read(string path) => ProtocolXml.Read(path, File.ReadAllText(path)).Interfaces;

    private void Compare(InterfaceModel ours, InterfaceModel theirs)
    {
        Compare(ours, theirs, ours.Requests, theirs.Requests, "request");
        Compare(ours, theirs, ours.Events, theirs.Events, "event");
        foreach (var item in ours.Enums)
        {
            var name = $"{ours.Name}.{item.Name}";
            if (theirs.Enums.FirstOrDefault(other => other.Name == item.Name) is not { } other)
            {
                Newer(ours, theirs, $"enum {name}");
                continue;
            }

            if (item.IsBitfield != other.IsBitfield)
                _differences.Add($"{name}: bitfield");
            foreach (var entry in item.Entries)
            {
                if (other.Entries.FirstOrDefault(e => e.Name == entry.Name) is not { } value)
                    Newer(ours, theirs, $"{name}.{entry.Name}");
                else if (value.Value != entry.Value) // upstream's files got "since" on values late
                    _differences.Add($"{name}: {entry} is {value}");
            }

            if (!s_partialEnums.Contains(name))
                Missing(ours, theirs, name, other.Entries.Where(entry => entry.Since <= ours.Version && item.Entries.All(e => e.Name != entry.Name)));
        }

        _differences.AddRange(theirs.Enums.Where(e => ours.Enums.All(o => o.Name != e.Name) && e.Entries.Any(entry => entry.Since <= ours.Version))
            .Where(_ => ours.Version >= theirs.Version).Select(e => $"{ours.Name} lacks enum {e.Name}"));
    }

    private void Compare(InterfaceModel ours, InterfaceModel theirs, EquatableArray<MessageModel> mine, EquatableArray<MessageModel> other, string kind)
    {
        for (var opcode = 0; opcode < Math.Max(mine.Count, other.Count); opcode++)
        {
            if (opcode >= other.Count)
            {
                Newer(ours, theirs, $"{kind} {ours.Name}.{mine[opcode].Name}");
                continue;
            }

            if (opcode >= mine.Count)
            {
                if (other[opcode].Since <= ours.Version)
                    _differences.Add($"{ours.Name} lacks {kind} {other[opcode].Name} of version {other[opcode].Since}");
                continue;
            }

            var (a, b) = (Describe(mine[opcode]), Describe(other[opcode]));
            if (a != b)
                _differences.Add($"{kind} {ours.Name}: {a} is {b}");
        }
    }

    // Enums of arguments are left out: they change no byte, and newer XML names more of them.
    private static string Describe(MessageModel message) =>
        $"{message.Name}({string.Join(", ", message.Args.Select(arg => $"{arg.Kind} {arg.Name} {arg.Interface} {(arg.AllowNull ? "?" : string.Empty)}"))}) since {message.Since} {message.IsDestructor}";

    // Upstream often leaves "since" out on values: of a version that ours is behind, a missing one may simply be new.
    private void Missing(InterfaceModel ours, InterfaceModel theirs, string name, IEnumerable<EntryModel> entries)
    {
        foreach (var entry in entries)
        {
            if (ours.Version >= theirs.Version)
                _differences.Add($"{name} lacks {entry.Name}");
            else
                output.WriteLine($"not in our v{ours.Version}, and perhaps new in v{theirs.Version}: {name}.{entry.Name}");
        }
    }

    private void Newer(InterfaceModel ours, InterfaceModel theirs, string what)
    {
        _newer++;
        output.WriteLine($"newer than the installed {theirs.Name} v{theirs.Version} (ours is v{ours.Version}): {what}");
    }
}
