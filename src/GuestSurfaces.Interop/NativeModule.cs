// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace GuestSurfaces.Interop;

/// <summary>
/// A library that the program can do without: looked for when it is first wanted, never at start. Stays loaded, as drivers behind it keep threads and
/// thread-local destructors.
/// </summary>
internal sealed class NativeModule
{
    private readonly nint _handle;

    private NativeModule(nint handle) => _handle = handle;

    /// <summary>Loads a library.</summary>
    /// <param name="name">With its version, as programs link against it: "libEGL.so.1".</param>
    /// <returns>Null if it isn't installed, or can't be loaded.</returns>
    internal static NativeModule? TryLoad(string name) => NativeLibrary.TryLoad(name, out var handle) ? new NativeModule(handle) : null;

    /// <summary>A function's address; 0 if the library lacks it.</summary>
    /// <param name="name">Its C name.</param>
    internal nint Find(string name) => NativeLibrary.TryGetExport(_handle, name, out var address) ? address : 0;
}
