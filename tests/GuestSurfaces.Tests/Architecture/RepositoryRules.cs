// SPDX-License-Identifier: MIT
using System.Text.RegularExpressions;
using System.Xml.Linq;
using GuestSurfaces.Testing;
using Xunit;

namespace GuestSurfaces.Tests.Architecture;

/// <summary>The rules of the house that a compiler doesn't keep.</summary>
public sealed partial class RepositoryRules
{
    // Who may know whom; everything else is forbidden. Transports and Presentation never meet.
    private static readonly Dictionary<string, string[]> s_allowed = new()
    {
        ["Interop"] = [],
        ["Core"] = ["Interop"],
        ["Wayland.Scanner"] = [],
        ["Wayland"] = ["Interop", "Wayland.Scanner"],
        ["Link"] = ["Core"],
        ["Virtio"] = ["Core"],
        ["Transports"] = ["Core", "Virtio"],
        ["Presentation"] = ["Core", "Wayland"],
        ["Plugin"] = ["Presentation"],
        ["Cli"] = ["Transports", "Presentation", "Link", "Plugin"],
    };

    private static string Root { get; } = Repository.Root;

    private static IEnumerable<string> Projects => new[] { "src", "plugin" }.SelectMany(static folder => Directory.EnumerateFiles(Path.Combine(Root, folder), "*.csproj", SearchOption.AllDirectories));

    [Fact]
    public void Projects_reference_only_what_the_architecture_allows()
    {
        foreach (var project in Projects)
        {
            var name = Short(project);
            Assert.True(s_allowed.TryGetValue(name, out var allowed), $"{name} is a new project: say in this test whom it may know");
            var references = XDocument.Load(project).Descendants("ProjectReference").Select(r => Short((string)r.Attribute("Include")!)).ToList();
            Assert.All(references, r => Assert.True(allowed.Contains(r), $"{name} must not reference {r}"));
        }
    }

    [Fact]
    public void Unsafe_code_is_allowed_in_Interop_and_Wayland_alone()
    {
        foreach (var project in Projects)
        {
            var name = Short(project);
            var isUnsafe = XDocument.Load(project).Descendants("AllowUnsafeBlocks").Any();
            Assert.True(!isUnsafe || name is "Interop" or "Wayland", $"{name} must not allow unsafe code");
        }
    }

    [Fact]
    public void Native_declarations_live_in_Interop_alone()
    {
        foreach (var (path, text) in Sources("src").Concat(Sources("plugin")))
        {
            if (!path.Contains("GuestSurfaces.Interop", StringComparison.Ordinal))
                Assert.False(text.Contains("DllImport", StringComparison.Ordinal) || text.Contains("LibraryImport", StringComparison.Ordinal), $"{path} declares a native function");
        }
    }

    [Fact]
    public void The_virtio_models_touch_no_file_and_no_descriptor()
    {
        foreach (var (path, text) in Sources("src/GuestSurfaces.Virtio"))
            Assert.False(FileUse().IsMatch(text), $"{path} must stay pure: no files, sockets or descriptors");
    }

    [Fact]
    public void Every_source_file_names_its_licence_in_its_first_line()
    {
        foreach (var (path, text) in Sources("src").Concat(Sources("plugin")).Concat(Sources("tests")))
            Assert.True(text.StartsWith("// SPDX-License-Identifier: MIT", StringComparison.Ordinal), $"{path} lacks its SPDX line");
    }

    [Fact]
    public void The_frame_path_has_no_async_code_and_no_locks()
    {
        foreach (var (path, text) in Sources("src/GuestSurfaces.Core").Concat(Sources("src/GuestSurfaces.Virtio")).Concat(Sources("src/GuestSurfaces.Link")).Concat(Sources("src/GuestSurfaces.Transports")).Concat(Sources("src/GuestSurfaces.Presentation")))
            Assert.False(AsyncOrLock().IsMatch(text), $"{path} uses async, await or lock");
    }

    private static IEnumerable<(string Path, string Text)> Sources(string folder) =>
        from path in Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
        let relative = Path.GetRelativePath(Root, path)
        where !relative.Contains("/obj/", StringComparison.Ordinal) && !relative.Contains("/bin/", StringComparison.Ordinal)
        select (relative, File.ReadAllText(path));

    private static string Short(string project) => Path.GetFileNameWithoutExtension(project).Replace("GuestSurfaces.", "", StringComparison.Ordinal);

    [GeneratedRegex(@"\b(File|Directory|Socket|FdHandle|MemFdHandle|UnixSocketHandle|EventFdHandle)\.")]
    private static partial Regex FileUse();

    [GeneratedRegex(@"^\s*(?!//)[^""]*\b(async\s|await\s|lock\s*\()", RegexOptions.Multiline)]
    private static partial Regex AsyncOrLock();
}
