// SPDX-License-Identifier: MIT
using Xunit;

namespace GuestSurfaces.Tests.Gpu;

/// <summary>Tests that look at the whole process: its descriptors, its heap, its speed. Nothing runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "GPU, alone in the process";
}
