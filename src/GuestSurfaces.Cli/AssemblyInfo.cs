// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;

[assembly: SupportedOSPlatform("linux")]
[assembly: InternalsVisibleTo("GuestSurfaces.Tests")]
[assembly: InternalsVisibleTo("lab-shot")]
