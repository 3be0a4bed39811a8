// SPDX-License-Identifier: MIT
using Xunit;

namespace GuestSurfaces.Tests.Wayland;

/// <summary>Tests that count this process's descriptors: they run alone, or they would count each other's.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Descriptors
{
    public const string Name = "descriptors";
}
