// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Testing.Virtio;

/// <summary>Guest RAM made by a test: memfds mapped at guest addresses of its choice.</summary>
public static class FakeRam
{
    /// <summary>What QEMU and crosvm put on their RAM.</summary>
    public const FileSeals Sealed = FileSeals.Shrink | FileSeals.Grow | FileSeals.Seal;

    /// <summary>Makes the file.</summary>
    public static MemFdHandle Create(ulong sizeBytes, FileSeals seals = Sealed, bool hugePages = false) =>
        MemFdHandle.TryCreate("fake-guest-ram", sizeBytes, seals, out var errno, hugePages) ?? throw new SyscallException("making guest RAM", errno);

    /// <summary>A region over a part of a file; the file stays the caller's.</summary>
    public static GuestMemoryRegion Region(MemFdHandle file, ulong guestAddress, ulong sizeBytes, ulong fileOffset = 0, ulong frontendAddress = 0)
    {
        var seals = file.GetSeals();
        var bytes = SharedRegion.TryOpen(file.Duplicate<MemFdHandle>(), fileOffset, sizeBytes, (seals & FileSeals.Shrink) != 0, out var errno)
            ?? throw new SyscallException("opening guest RAM", errno);
        return new GuestMemoryRegion(guestAddress, frontendAddress, bytes, seals);
    }

    /// <summary>A guest with one region at 0.</summary>
    public static GuestMemory Memory(ulong sizeBytes, FileSeals seals = Sealed, bool hugePages = false)
    {
        using var file = Create(sizeBytes, seals, hugePages);
        var memory = new GuestMemory();
        if (!memory.TryAdd(Region(file, 0, sizeBytes)))
            throw new InvalidOperationException("the region was refused");
        return memory;
    }
}
