// SPDX-License-Identifier: MIT
using Xunit;

namespace GuestSurfaces.Tests;

/// <summary>Tests that look at the whole process: its descriptors, its mappings, its heap, its environment, its speed. Nothing runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone in the process";
}
