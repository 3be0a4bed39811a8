// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace GuestSurfaces.Interop;

// Source: linux/udmabuf.h
internal static unsafe partial class LibC
{
    internal const uint UDMABUF_CREATE_LIST = 0x40087543;
    internal const uint UDMABUF_FLAGS_CLOEXEC = 1;

    /// <summary>The head of the request; its items follow at once.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct UdmabufCreateList
    {
        internal uint flags;
        internal uint count;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct UdmabufCreateItem
    {
        internal uint memfd;
        internal uint __pad;
        internal ulong offset;
        internal ulong size;
    }
}
