// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Testing;

/// <summary>Remembers which descriptors of this process were open and complains, on dispose, of those that came to stay.</summary>
/// <remarks>Other threads open files too (the runtime, the test runner): only kinds that these tests use count.</remarks>
public sealed class FdLeakCheck : IDisposable
{
    private static readonly string[] s_kinds = ["socket:", "/memfd:", "anon_inode:[eventfd]", "anon_inode:sync_file", "/dmabuf:", "anon_inode:[eventpoll]"];

    private readonly Dictionary<string, int> _before;

    /// <summary>Counts from here, after what earlier tests left to the finalizer is gone.</summary>
    public FdLeakCheck()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        _before = Count();
    }

    /// <summary>How many more of a kind there are now; negative if some went.</summary>
    /// <param name="kind">Part of what /proc/self/fd shows, such as "socket:".</param>
    public int Difference(string kind) => Count().GetValueOrDefault(kind) - _before.GetValueOrDefault(kind);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var kind in s_kinds)
        {
            if (Difference(kind) is var more and > 0)
                throw new InvalidOperationException($"{more} descriptors of kind {kind} leaked");
        }
    }

    private static Dictionary<string, int> Count()
    {
        var counts = new Dictionary<string, int>();
        foreach (var path in Directory.EnumerateFiles("/proc/self/fd"))
        {
            var target = Target(path);
            var kind = Array.Find(s_kinds, kind => target.Contains(kind, StringComparison.Ordinal));
            if (kind is not null)
                counts[kind] = counts.GetValueOrDefault(kind) + 1;
        }

        return counts;
    }

    private static string Target(string path)
    {
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: false)?.FullName ?? string.Empty;
        }
        catch (IOException)
        {
            // Closed between listing and looking, such as the listing itself: no leak.
            return string.Empty;
        }
    }
}
