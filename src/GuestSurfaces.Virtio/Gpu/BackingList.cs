// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Interop;
using GuestSurfaces.Virtio.Queues;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// The guest pages of one resource, in order. Checked when the guest names them, so every byte was guest RAM then; looked up again in every copy, since a
/// VMM may take memory away. Entries may have any alignment and may overlap. Thread: the loop's.
/// </summary>
public sealed class BackingList
{
    /// <summary>Entries fetched at once: 4 KiB of stack.</summary>
    private const int BatchEntries = 256;

    private readonly ScatteredRun[] _runs;
    private readonly BackingBudget _budget;
    /// <summary>A row of a 16384 pixels wide picture is 16 pages long: so far the next row's run may be.</summary>
    private const int NearRuns = 17;

    private int _cursor;

    private readonly ulong _lowest = ulong.MaxValue;
    private readonly ulong _end;

    private BackingList(ScatteredRun[] runs, ulong lengthBytes, BackingBudget budget)
    {
        _runs = runs;
        foreach (ref readonly var run in runs.AsSpan())
        {
            _lowest = Math.Min(_lowest, run.Address);
            _end = Math.Max(_end, run.Address + run.LengthBytes);
        }

        _budget = budget;
        LengthBytes = lengthBytes;
    }

    /// <summary>The sum of all runs.</summary>
    public ulong LengthBytes { get; }

    /// <summary>The stretches, by rising offset, adjacent entries joined.</summary>
    public ReadOnlySpan<ScatteredRun> Runs => _runs;

    /// <summary>Fetches and checks a page list.</summary>
    /// <param name="chain">The request.</param>
    /// <param name="offset">Where its entries begin.</param>
    /// <param name="count">As many as the guest says there are; compared with what is there before anything is sized by it.</param>
    /// <param name="memory">Where every entry must lie.</param>
    /// <param name="budget">Charged for the result.</param>
    /// <param name="limits">The guest's.</param>
    /// <param name="scratch">Reused; holds nothing afterwards.</param>
    /// <param name="list">The list.</param>
    internal static VirtioGpuResponse Fetch(
        DescriptorChain chain, ulong offset, uint count, GuestMemory memory, BackingBudget budget, Limits limits, List<ScatteredRun> scratch, out BackingList? list)
    {
        list = null;
        if (count == 0 || count > (uint)limits.MaxBackingEntries || chain.ReadableBytes < offset + ((ulong)count * MemoryEntry.Bytes))
            return VirtioGpuResponse.InvalidParameter;

        scratch.Clear();
        Span<MemoryEntry> batch = stackalloc MemoryEntry[BatchEntries];
        ulong total = 0;
        for (uint done = 0; done < count;)
        {
            var entries = batch[..(int)Math.Min(count - done, BatchEntries)];
            if (!chain.TryRead(offset + ((ulong)done * MemoryEntry.Bytes), MemoryMarshal.AsBytes(entries)))
                return VirtioGpuResponse.InvalidParameter;
            foreach (ref readonly var entry in entries)
            {
                // Linux sends addresses in other devices' BARs for imported dma-bufs (6.13 and up): not RAM, so refused, never touched.
                if (!memory.Contains(entry.Address, entry.Length))
                    return VirtioGpuResponse.InvalidParameter;
                Append(scratch, entry.Address, total, entry.Length);

                // Not after the last: thousands of entries that each span all of a guest's regions would take their time.
                total += entry.Length;
                if (total > limits.MaxBackingBytes)
                    return VirtioGpuResponse.OutOfMemory;
            }

            done += (uint)entries.Length;
        }

        if (!budget.TryTake(scratch.Count))
            return VirtioGpuResponse.OutOfMemory;
        list = new BackingList([.. scratch], total, budget);
        scratch.Clear();
        return VirtioGpuResponse.OkNoData;
    }

    /// <summary>Gives its entries back to the guest's budget. Once.</summary>
    internal void Release() => _budget.Give(_runs.Length);

    /// <summary>Copies bytes of the resource into a region of ours, run by run.</summary>
    /// <param name="memory">The guest's.</param>
    /// <param name="offset">From here in the resource.</param>
    /// <param name="destination">Ours.</param>
    /// <param name="destinationOffset">Where in it.</param>
    /// <param name="lengthBytes">How many.</param>
    /// <returns>False if the list is shorter, or its memory is gone.</returns>
    internal bool TryCopyTo(GuestMemory memory, ulong offset, SharedRegion destination, ulong destinationOffset, ulong lengthBytes)
    {
        if (offset > LengthBytes || lengthBytes > LengthBytes - offset)
            return false;
        if (lengthBytes == 0)
            return true;
        for (var at = Locate(offset); ; at++)
        {
            ref readonly var run = ref _runs[at];
            var within = offset - run.OffsetBytes;
            var n = Math.Min(lengthBytes, run.LengthBytes - within);
            if (!memory.TryCopyTo(run.Address + within, destination, destinationOffset, n))
                return false;
            lengthBytes -= n;
            if (lengthBytes == 0)
            {
                _cursor = at;
                return true;
            }

            offset += n;
            destinationOffset += n;
        }
    }

    /// <summary>Copies a rectangle's rows. Rows without gaps on both sides are one copy.</summary>
    /// <param name="memory">The guest's.</param>
    /// <param name="offset">Where the first row begins in the resource.</param>
    /// <param name="strideBytes">From row to row in the resource.</param>
    /// <param name="destination">Ours.</param>
    /// <param name="destinationOffset">Where its first row begins.</param>
    /// <param name="destinationStrideBytes">From row to row in it.</param>
    /// <param name="rowBytes">Bytes in a row.</param>
    /// <param name="rows">How many.</param>
    /// <returns>As <see cref="TryCopyTo"/>.</returns>
    internal bool TryCopyRows(
        GuestMemory memory, ulong offset, ulong strideBytes, SharedRegion destination, ulong destinationOffset, ulong destinationStrideBytes, ulong rowBytes, int rows)
    {
        if (strideBytes == rowBytes && destinationStrideBytes == rowBytes)
        {
            rowBytes *= (ulong)rows;
            rows = 1;
        }

        // Mostly all pages are in one region that is mapped.
        if (rows > 0 && memory.Find(_lowest) is { Bytes.IsMapped: true } region && _end - region.GuestAddress <= region.SizeBytes && destination.IsMapped)
        {
            var last = offset + ((ulong)(rows - 1) * strideBytes);
            if (last > LengthBytes || rowBytes > LengthBytes - last)
                return false;
            var at = Locate(offset);
            var copied = SharedRegion.TryCopyScattered(
                region.Bytes, region.GuestAddress, _runs, ref at, offset, strideBytes, destination, destinationOffset, destinationStrideBytes, rowBytes, (uint)rows);
            _cursor = at;
            return copied;
        }

        if (rows == 1)
            return TryCopyTo(memory, offset, destination, destinationOffset, rowBytes);
        for (ulong row = 0; row < (ulong)rows; row++)
        {
            if (!TryCopyTo(memory, offset + (row * strideBytes), destination, destinationOffset + (row * destinationStrideBytes), rowBytes))
                return false;
        }

        return true;
    }

    private static void Append(List<ScatteredRun> runs, ulong address, ulong offset, ulong length)
    {
        if (runs.Count > 0)
        {
            ref var last = ref CollectionsMarshal.AsSpan(runs)[^1];
            if (last.Address + last.LengthBytes == address)
            {
                last = last with { LengthBytes = last.LengthBytes + length };
                return;
            }
        }

        runs.Add(new ScatteredRun(address, offset, length));
    }

    /// <summary>
    /// The run of an offset inside the list. Rows come one after the other, so it is mostly where the last copy ended, or a little further on: looking there
    /// first instead of searching all of a 4K picture's 8100 pages doubled the speed of 256x256 transfers.
    /// </summary>
    private int Locate(ulong offset)
    {
        var near = Math.Min(_cursor + NearRuns, _runs.Length);
        for (var at = _cursor; at < near; at++)
        {
            if (offset - _runs[at].OffsetBytes < _runs[at].LengthBytes)
                return at;
        }

        var low = 0;
        var high = _runs.Length - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (_runs[middle].OffsetBytes <= offset)
                low = middle;
            else
                high = middle - 1;
        }

        return low;
    }
}
