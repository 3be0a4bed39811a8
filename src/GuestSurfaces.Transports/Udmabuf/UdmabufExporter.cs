// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Interop;
using GuestSurfaces.Virtio.Gpu;

namespace GuestSurfaces.Transports.Udmabuf;

/// <summary>
/// Makes a dma-buf of a blob's guest pages, or says why that can't be done. One for each guest: it counts what the guest's buffers pin, which the kernel
/// charges to nobody. Thread: the device's loop.
/// </summary>
public sealed class UdmabufExporter : IGuestBufferExporter, IBufferConsumer, IDisposable
{
    internal const string MemfdRemedy = "with QEMU use -object memory-backend-memfd,share=on (sealed by default) as the machine's memory-backend";

    private const string FewerOutputs = "fewer or smaller outputs";

    private static readonly RungReport s_gone = Copy("the memory behind the guest's framebuffer is gone", "a VMM that keeps guest RAM where it is while the guest runs");
    private static readonly RungReport s_unsealed = Copy("guest RAM memfd not sealed against shrinking", MemfdRemedy);
    private static readonly RungReport s_readOnly = Copy("guest RAM memfd sealed against writing", MemfdRemedy);

    private readonly IUdmabufDevice? _device;
    private readonly RungReport? _unavailable;
    private readonly UdmabufLimits _kernel;
    private readonly Limits _limits;
    private readonly ulong _pageBytes;
    private readonly List<UdmabufItem> _items = [];
    private bool _lacksRoom;

    /// <summary>Over a device that is open.</summary>
    /// <param name="device">Adopted.</param>
    /// <param name="kernel">What it allows.</param>
    /// <param name="limits">The guest's.</param>
    /// <param name="pageBytes">The host's page size, a power of two.</param>
    public UdmabufExporter(IUdmabufDevice device, UdmabufLimits kernel, Limits limits, int pageBytes)
        : this(limits, pageBytes)
    {
        _device = device;
        _kernel = kernel;
    }

    /// <summary>Over no device: declines everything.</summary>
    /// <param name="openError">Why it can't be opened.</param>
    /// <param name="limits">The guest's.</param>
    internal UdmabufExporter(Errno openError, Limits limits)
        : this(limits, Environment.SystemPageSize) => _unavailable = WhyNotOpened(openError);

    private UdmabufExporter(Limits limits, int pageBytes)
    {
        _limits = limits;
        _pageBytes = (ulong)pageBytes;
    }

    /// <summary>Guest memory that can't be moved or swapped at present, in bytes. A page counts once for each place in a buffer.</summary>
    public ulong PinnedBytes { get; private set; }

    /// <summary>Buffers that aren't closed yet.</summary>
    public int PinnedBuffers { get; private set; }

    /// <inheritdoc/>
    public int RoomMade { get; private set; }

    /// <summary>Opens this machine's /dev/udmabuf and reads its limits. Where that fails, every export is declined for that reason.</summary>
    /// <param name="limits">The guest's.</param>
    public static UdmabufExporter Open(Limits limits)
    {
        var device = UdmabufHandle.TryOpen(out var errno);
        return device is null
            ? new UdmabufExporter(errno, limits)
            : new UdmabufExporter(device, UdmabufLimits.TryRead() ?? UdmabufLimits.Default, limits, Environment.SystemPageSize);
    }

    /// <inheritdoc/>
    public BufferStorage? TryExport(GuestMemory memory, BackingList backing, ulong sizeBytes, out RungReport decline)
    {
        ArgumentNullException.ThrowIfNull(backing);
        return TryExport(memory, backing.Runs, sizeBytes, out decline);
    }

    /// <summary>As the other, with the pages alone.</summary>
    /// <param name="memory">The guest's RAM.</param>
    /// <param name="runs">The pages, in order.</param>
    /// <param name="sizeBytes">How much of them; the last page becomes part of the buffer whole, as far as it is named.</param>
    /// <param name="decline">Why not, and what to do about it; meaningless on success.</param>
    internal BufferStorage? TryExport(GuestMemory memory, ReadOnlySpan<ScatteredRun> runs, ulong sizeBytes, out RungReport decline)
    {
        ArgumentNullException.ThrowIfNull(memory);
        decline = s_gone;
        if (_device is null)
        {
            decline = _unavailable!;
            return null;
        }

        var namedBytes = runs.IsEmpty ? 0 : runs[^1].OffsetBytes + runs[^1].LengthBytes;
        if (sizeBytes == 0 || sizeBytes > namedBytes)
            return null;
        var totalBytes = Math.Min(sizeBytes + ((0 - sizeBytes) & (_pageBytes - 1)), namedBytes);
        var problem = CheckSize(totalBytes) ?? Collect(memory, runs, totalBytes) ?? CheckItems();
        DmabufHandle? dmabuf = null;
        if (problem is null)
        {
            dmabuf = _device.TryCreate(CollectionsMarshal.AsSpan(_items), out var errno);
            problem = dmabuf is null ? WhyRefused(errno) : null;
        }

        _items.Clear(); // they hold the regions' files
        if (dmabuf is null)
        {
            decline = problem!;
            return null;
        }

        var storage = BufferStorage.FromDmabufs([dmabuf], producer: null);
        PinnedBytes += storage.SizeBytes;
        PinnedBuffers++;
        storage.Subscribe(this);
        return storage;
    }

    /// <summary>Closes the device. Buffers that are shown live on.</summary>
    public void Dispose() => _device?.Dispose();

    void IBufferConsumer.OnClosed(BufferStorage storage)
    {
        PinnedBytes -= storage.SizeBytes;
        PinnedBuffers--;
        if (_lacksRoom)
            RoomMade++;
        _lacksRoom = false;
    }

    private static RungReport Copy(string reason, string remedy = "") => new(Rung.Copy, reason, remedy);

    private static RungReport WhyNotOpened(Errno errno) => Copy(
        $"{UdmabufHandle.DevicePath} can't be opened ({errno})",
        errno switch
        {
            Errno.ENOENT or Errno.ENODEV => "modprobe udmabuf (kernel option CONFIG_UDMABUF); a container has to be given the device",
            Errno.EACCES or Errno.EPERM => "add yourself to group kvm (usermod -aG kvm $USER, then log in again), or install a udev rule that gives the seat's user access",
            Errno.EMFILE => "raise the limit of open files (ulimit -n)",
            _ => "",
        });

    private RungReport? CheckSize(ulong totalBytes)
    {
        var mib = (totalBytes + 0xfffff) >> 20;
        if (mib > _kernel.SizeMib)
            return Copy($"udmabuf size limit {_kernel.SizeMib} MiB < {mib} MiB", $"as root: echo {mib} > {UdmabufLimits.ParametersPath}/size_limit_mb, then start again");
        if (PinnedBuffers >= _limits.MaxPinnedBuffers)
            return LacksRoom($"the guest shares {PinnedBuffers} buffers already, which is its limit", FewerOutputs);
        var reason = $"the guest's limit of pinned memory, {_limits.MaxPinnedBytes >> 20} MiB < {(PinnedBytes + totalBytes + 0xfffff) >> 20} MiB";
        if (totalBytes > _limits.MaxPinnedBytes)
            return Copy(reason, FewerOutputs); // for ever
        return PinnedBytes > _limits.MaxPinnedBytes - totalBytes ? LacksRoom(reason, FewerOutputs) : null;
    }

    /// <summary>A decline that may not be one any more when a buffer has closed.</summary>
    private RungReport LacksRoom(string reason, string remedy)
    {
        _lacksRoom = true;
        return Copy(reason, remedy);
    }

    /// <summary>Turns guest pages into stretches of the files behind them.</summary>
    private RungReport? Collect(GuestMemory memory, ReadOnlySpan<ScatteredRun> runs, ulong totalBytes)
    {
        foreach (ref readonly var run in runs)
        {
            var address = run.Address;
            var left = Math.Min(run.LengthBytes, totalBytes);
            totalBytes -= left;
            while (left > 0)
            {
                if (memory.Find(address) is not { } region)
                    return s_gone;
                if ((region.Seals & FileSeals.Shrink) == 0)
                    return s_unsealed;
                if ((region.Seals & (FileSeals.Write | FileSeals.FutureWrite)) != 0)
                    return s_readOnly;
                var within = address - region.GuestAddress;
                var n = Math.Min(left, region.SizeBytes - within);
                Append(region.Bytes.File, region.Bytes.FileOffsetBytes + within, n);
                address += n;
                left -= n;
            }

            if (totalBytes == 0)
                break;
        }

        return null;
    }

    // Regions of one file come with descriptors of their own: what was cut by the VMM for its memory map is joined again.
    private void Append(FdHandle file, ulong offset, ulong bytes)
    {
        if (_items.Count > 0)
        {
            ref var last = ref CollectionsMarshal.AsSpan(_items)[^1];
            if (last.OffsetBytes + last.SizeBytes == offset && (ReferenceEquals(last.File, file) || last.File.GetIdentity() == file.GetIdentity()))
            {
                last = last with { SizeBytes = last.SizeBytes + bytes };
                return;
            }
        }

        _items.Add(new UdmabufItem(file, offset, bytes));
    }

    private RungReport? CheckItems()
    {
        foreach (ref readonly var item in CollectionsMarshal.AsSpan(_items))
        {
            if (((item.OffsetBytes | item.SizeBytes) & (_pageBytes - 1)) == 0)
                continue;
            return Copy(
                $"the guest's framebuffer isn't made of whole host pages of {_pageBytes} bytes",
                _pageBytes > 4096 ? "a host kernel with pages of 4096 bytes: guests allocate in those" : "");
        }

        return (uint)_items.Count > _kernel.ListEntries
            ? Copy(
                $"udmabuf list limit {_kernel.ListEntries} < {_items.Count} entries",
                $"as root: echo {_limits.MaxBackingEntries} > {UdmabufLimits.ParametersPath}/list_limit, then start again (on the kernel's command line: udmabuf.list_limit={_limits.MaxBackingEntries})")
            : null;
    }

    private RungReport WhyRefused(Errno errno) => errno switch
    {
        Errno.EINVAL or Errno.EBADFD when _items.Exists(static item => item.File is MemFdHandle file && file.IsHuge()) =>
            Copy($"this kernel's udmabuf doesn't take guest RAM in huge pages ({errno})", "Linux 6.12 or newer on the host, or a memory backend without hugetlb"),
        Errno.EBADFD => Copy("guest RAM is in no memfd (EBADFD)", MemfdRemedy),
        Errno.ENOTTY => Copy("this kernel's udmabuf takes no lists (ENOTTY)", "Linux 4.20 or newer on the host"),
        Errno.ENOMEM => LacksRoom("the host has no memory to pin the guest's pages (ENOMEM)", "end something that uses memory; frames are copied meanwhile"),
        Errno.EMFILE => LacksRoom("no descriptor is left for a udmabuf (EMFILE)", "raise the limit of open files (ulimit -n)"),
        _ => Copy($"udmabuf refused the guest's pages ({errno})", $"if the limits in {UdmabufLimits.ParametersPath} were lowered, start again"),
    };
}
