// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Link.Wire;

/// <summary>What a viewer can want of a guest.</summary>
[Flags]
internal enum Wishes : byte
{
    None = 0,
    Mode = 1,
    Refresh = 2,
    Close = 4,
}
