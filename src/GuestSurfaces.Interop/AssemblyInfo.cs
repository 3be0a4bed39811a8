// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
[assembly: InternalsVisibleTo("GuestSurfaces.Tests")]
[assembly: InternalsVisibleTo("GuestSurfaces.Testing")]
