// SPDX-License-Identifier: MIT
using Xunit;

namespace GuestSurfaces.Tests.VhostUser;

/// <summary>Tests that count what the whole process holds (descriptors, mappings, allocated bytes) run alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ProcessWide
{
    public const string Name = "vhost-user, process-wide";

    /// <summary>What is held now, after what earlier tests left to the finalizer is gone.</summary>
    public static (int Files, int Mappings) Baseline()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return (OpenFiles, RamMappings);
    }

    public static int OpenFiles => Directory.GetFileSystemEntries("/proc/self/fd").Length;

    public static int RamMappings => File.ReadAllLines("/proc/self/maps").Count(l => l.Contains("fake-guest-ram", StringComparison.Ordinal));
}
