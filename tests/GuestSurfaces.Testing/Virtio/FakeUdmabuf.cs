// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Testing.Virtio;

/// <summary>/dev/udmabuf as a test wants it: keeps the kernel's rules, and makes memfds that hold a copy of the pages.</summary>
/// <param name="listLimit">As the kernel's parameter.</param>
/// <param name="sizeLimitMib">As the kernel's parameter.</param>
/// <param name="pageBytes">The pretended host's.</param>
public sealed class FakeUdmabuf(uint listLimit, uint sizeLimitMib, ulong pageBytes) : IUdmabufDevice
{
    /// <summary>Every request that was made: offsets and sizes.</summary>
    public List<(ulong OffsetBytes, ulong SizeBytes)[]> Requests { get; } = [];

    /// <summary>Answers everything with this.</summary>
    public Errno Fails { get; set; }

    public bool IsDisposed { get; private set; }

    public DmabufHandle? TryCreate(ReadOnlySpan<UdmabufItem> items, out Errno errno)
    {
        Requests.Add(items.ToArray().Select(static item => (item.OffsetBytes, item.SizeBytes)).ToArray());
        errno = Fails;
        if (errno != Errno.None)
            return null;
        errno = Errno.EINVAL;
        ulong total = 0;
        foreach (var item in items)
        {
            if (((item.OffsetBytes | item.SizeBytes) & (pageBytes - 1)) != 0 || item.File is not MemFdHandle file || item.OffsetBytes + item.SizeBytes > file.GetSizeBytes())
                return null;
            if ((file.GetSeals() & (FileSeals.Shrink | FileSeals.Write)) != FileSeals.Shrink)
                return null;
            total += item.SizeBytes;
        }

        if (total == 0 || total > (ulong)sizeLimitMib << 20 || items.Length > listLimit)
            return null;
        using var pages = SharedRegion.TryOpen(FakeRam.Create(total), 0, total, mayMap: true, out errno)!;
        ulong at = 0;
        foreach (var item in items)
        {
            using var source = SharedRegion.TryOpen(((MemFdHandle)item.File).Duplicate<MemFdHandle>(), item.OffsetBytes, item.SizeBytes, mayMap: true, out errno)!;
            if (!SharedRegion.TryCopy(source, 0, pages, at, item.SizeBytes))
                throw new InvalidOperationException("the copy failed");
            at += item.SizeBytes;
        }

        return pages.File.Duplicate<DmabufHandle>();
    }

    public void Dispose() => IsDisposed = true;
}
