// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <content>Which answers a request may get in the present state.</content>
public sealed partial class ReferenceDevice
{
    /// <summary>The budget that every device must have at least: what is bigger may be refused.</summary>
    private const ulong SurelyAffordableBytes = 64 * 1024 * 1024;

    private static readonly AnswerSet s_badId = AnswerSet.Of(GpuResponse.InvalidResourceId);
    private static readonly AnswerSet s_noBacking = AnswerSet.Of(GpuResponse.InvalidResourceId, GpuResponse.Unspec, GpuResponse.InvalidParameter);
    private static readonly AnswerSet s_badRect = AnswerSet.Of(GpuResponse.InvalidParameter);

    /// <summary>The features that were negotiated: commands of others must be refused.</summary>
    public VirtioFeatures Features { get; init; }

    /// <summary>How many scanouts there are.</summary>
    public uint ScanoutCount { get; init; } = MaxScanouts;

    private bool HasBlobs => Features.HasFlag(VirtioFeatures.GpuResourceBlob);

    public AnswerSet Judge(ReadOnlySpan<byte> request)
    {
        if (request.Length < GpuHeader.SizeBytes)
            return AnswerSet.BadParameter;
        var command = (GpuCommand)U32(request, 0);
        if (request.Length < ShortestRequest(command))
            return AnswerSet.BadParameter;
        return command switch
        {
            GpuCommand.GetDisplayInfo => AnswerSet.Of(GpuResponse.OkDisplayInfo),
            GpuCommand.ResourceCreate2D => JudgeCreate(request),
            GpuCommand.ResourceUnref => JudgeId(U32(request, 24)),
            GpuCommand.ResourceAttachBacking => JudgeAttach(request),
            GpuCommand.ResourceDetachBacking => JudgeBacking(U32(request, 24)),
            GpuCommand.TransferToHost2D => JudgeTransfer(request),
            GpuCommand.SetScanout => JudgeScanout(request),
            GpuCommand.ResourceFlush => JudgeFlush(request),
            GpuCommand.ResourceCreateBlob when HasBlobs => JudgeCreateBlob(request),
            GpuCommand.SetScanoutBlob when HasBlobs => JudgeScanoutBlob(request),
            GpuCommand.GetEdid when Features.HasFlag(VirtioFeatures.GpuEdid) => U32(request, 24) < ScanoutCount
                ? AnswerSet.Of(GpuResponse.OkEdid)
                : AnswerSet.Of(GpuResponse.InvalidScanoutId, GpuResponse.InvalidParameter),
            GpuCommand.ResourceAssignUuid when Features.HasFlag(VirtioFeatures.GpuResourceUuid) => _resources.ContainsKey(U32(request, 24))
                ? AnswerSet.Of(GpuResponse.OkResourceUuid)
                : s_badId,
            // Not negotiated, or not known at all.
            _ => AnswerSet.BadParameter,
        };
    }

    private static int ShortestRequest(GpuCommand command) => command switch
    {
        GpuCommand.ResourceCreate2D => 40,
        GpuCommand.SetScanout or GpuCommand.ResourceFlush => 48,
        GpuCommand.TransferToHost2D or GpuCommand.ResourceCreateBlob => 56,
        GpuCommand.SetScanoutBlob => 96,
        GpuCommand.GetDisplayInfo => 24,
        _ => 32,
    };

    private static AnswerSet When(bool condition, AnswerSet answers) => condition ? answers : default;

    /// <summary>Success unless something is wrong; if several things are, any of them may be named.</summary>
    private static AnswerSet OkUnless(AnswerSet wrong) => wrong.IsEmpty ? AnswerSet.Ok : wrong;

    private static bool IsInside(GpuRect rect, ModelResource resource) =>
        (ulong)rect.X + rect.Width <= resource.Width && (ulong)rect.Y + rect.Height <= resource.Height;

    /// <summary>An empty rectangle is nothing to do, or an error: both have been seen, and the specification is silent.</summary>
    private static AnswerSet EmptyRect(GpuRect rect) => When(rect.Width == 0 || rect.Height == 0, AnswerSet.Ok | AnswerSet.BadParameter);

    private AnswerSet JudgeId(uint id) => _resources.ContainsKey(id) ? AnswerSet.Ok : s_badId;

    private AnswerSet JudgeBacking(uint id) =>
        !_resources.TryGetValue(id, out var resource) ? s_badId : resource.Backing == null ? s_noBacking : AnswerSet.Ok;

    private AnswerSet JudgeCreate(ReadOnlySpan<byte> request)
    {
        var (id, format, width, height) = (U32(request, 24), U32(request, 28), U32(request, 32), U32(request, 36));
        var bytes = (UInt128)width * height * 4;
        var tooBig = AnswerSet.Of(GpuResponse.OutOfMemory, GpuResponse.InvalidParameter);
        return OkUnless(
            When(id == 0 || _resources.ContainsKey(id), s_badId) |
            When(!PixelFormats.IsKnown(format), s_badRect) |
            When(width == 0 || height == 0, AnswerSet.BadParameter | AnswerSet.Of(GpuResponse.OutOfMemory)) |
            When(width > LongestSide || height > LongestSide, tooBig) |
            When(bytes > SurelyAffordableBytes, tooBig | When(bytes <= int.MaxValue, AnswerSet.Ok)));
    }

    private AnswerSet JudgeAttach(ReadOnlySpan<byte> request)
    {
        var (id, count) = (U32(request, 24), U32(request, 28));
        if (!_resources.TryGetValue(id, out var resource))
            return s_badId;
        return When(resource.Backing != null, AnswerSet.BadParameter) is { IsEmpty: false } twice ? twice : JudgeEntries(request, count, 32, out _);
    }

    private AnswerSet JudgeEntries(ReadOnlySpan<byte> request, uint count, int at, out ulong total)
    {
        total = 0;
        if (count > MostEntries || request.Length < at + (16L * count))
            return AnswerSet.BadParameter;
        var wrong = When(count == 0, AnswerSet.BadParameter | AnswerSet.Ok);
        foreach (var entry in ReadEntries(request, count, at) ?? [])
        {
            total += entry.LengthBytes;
            if (entry.LengthBytes == 0)
                wrong |= AnswerSet.BadParameter | AnswerSet.Ok; // not forbidden anywhere
            else if (!IsRam(entry))
                return AnswerSet.BadParameter;
        }

        return OkUnless(wrong);
    }

    private AnswerSet JudgeCreateBlob(ReadOnlySpan<byte> request)
    {
        var (id, kind, count, size) = (U32(request, 24), U32(request, 28), U32(request, 36), GpuCommands.Get64(request, 48));
        var wrong = When(id == 0 || _resources.ContainsKey(id), s_badId) | When(kind != (uint)GpuBlobMemory.Guest || size == 0, AnswerSet.BadParameter);
        if (!wrong.IsEmpty)
            return wrong;
        var entries = JudgeEntries(request, count, 56, out var total);
        return count > 0 && entries.Contains(GpuResponse.OkNoData) && total < size ? AnswerSet.BadParameter | AnswerSet.Of(GpuResponse.OutOfMemory) : entries;
    }

    private AnswerSet JudgeScanoutBlob(ReadOnlySpan<byte> request)
    {
        var (rect, scanout, id) = (GpuCommands.GetRect(request, 24), U32(request, 40), U32(request, 44));
        var (width, height, format) = (U32(request, 48), U32(request, 52), U32(request, 56));
        var (stride, offset) = (U32(request, 64), U32(request, 80));
        var wrong = When(scanout >= ScanoutCount, AnswerSet.Of(GpuResponse.InvalidScanoutId));
        if (id == 0)
            return OkUnless(wrong);
        if (!_resources.TryGetValue(id, out var resource))
            return wrong | s_badId;
        if (!resource.IsBlob)
            return wrong | AnswerSet.BadParameter | s_badId;
        var end = offset + ((UInt128)stride * (rect.Y + (UInt128)rect.Height - 1)) + (((UInt128)rect.X + rect.Width) * 4);
        wrong |= When(!PixelFormats.IsKnown(format), s_badRect) |
            When(stride < width * 4UL || stride > int.MaxValue, AnswerSet.BadParameter) |
            When(rect.X + (ulong)rect.Width > width || rect.Y + (ulong)rect.Height > height, s_badRect) |
            When(rect.Height > 0 && end > resource.BlobBytes, AnswerSet.BadParameter);
        if (!wrong.IsEmpty)
            return wrong;
        return OkUnless(EmptyRect(rect) | When(rect.Width < 16 || rect.Height < 16, AnswerSet.Ok | s_badRect) |
            When(resource.Backing == null, AnswerSet.Ok | s_noBacking));
    }

    private bool IsRam(GpuMemoryEntry entry)
    {
        var (at, left) = (entry.Address, (ulong)entry.LengthBytes);
        while (left > 0)
        {
            ulong step = 0;
            foreach (ref readonly var region in memory.Regions)
            {
                if (at >= region.GuestAddress && at - region.GuestAddress < region.SizeBytes)
                    step = Math.Min(left, region.SizeBytes - (at - region.GuestAddress));
            }

            if (step == 0)
                return false;
            at += step;
            left -= step;
        }

        return true;
    }

    private AnswerSet JudgeTransfer(ReadOnlySpan<byte> request)
    {
        var rect = GpuCommands.GetRect(request, 24);
        if (!_resources.TryGetValue(U32(request, 48), out var resource))
            return s_badId;
        if (resource.IsBlob)
            return AnswerSet.Ok | When(rect.Width == 0 || rect.Height == 0, AnswerSet.BadParameter); // nothing to do: the pixels are where they are
        var wrong = When(resource.Backing == null, s_noBacking) | When(!IsInside(rect, resource), s_badRect);
        if (!wrong.IsEmpty)
            return wrong;
        ulong backed = 0;
        foreach (var entry in resource.Backing!)
            backed += entry.LengthBytes;
        var end = (UInt128)GpuCommands.Get64(request, 40) + ((UInt128)resource.Width * 4 * (rect.Height - 1)) + (rect.Width * 4UL);
        // Reading past the backing: QEMU copies what there is, others refuse.
        return OkUnless(EmptyRect(rect) | When(rect.Height > 0 && end > backed, AnswerSet.Ok | AnswerSet.BadParameter));
    }

    private AnswerSet JudgeScanout(ReadOnlySpan<byte> request)
    {
        var (rect, scanout, id) = (GpuCommands.GetRect(request, 24), U32(request, 40), U32(request, 44));
        var wrong = When(scanout >= ScanoutCount, AnswerSet.Of(GpuResponse.InvalidScanoutId));
        if (id == 0)
            return OkUnless(wrong);
        if (!_resources.TryGetValue(id, out var resource))
            return wrong | s_badId;
        if (resource.IsBlob)
            return wrong | AnswerSet.BadParameter | s_badId; // it has no size or format
        // A limit of 16x16 is QEMU's, not the specification's: small scanouts may be refused.
        return OkUnless(
            wrong | When(!IsInside(rect, resource), s_badRect) |
            (wrong.IsEmpty && IsInside(rect, resource) ? EmptyRect(rect) | When(rect.Width < 16 || rect.Height < 16, AnswerSet.Ok | s_badRect) : default));
    }

    private AnswerSet JudgeFlush(ReadOnlySpan<byte> request)
    {
        var rect = GpuCommands.GetRect(request, 24);
        if (!_resources.TryGetValue(U32(request, 40), out var resource))
            return s_badId;
        if (resource.IsBlob)
            return AnswerSet.Ok | s_badRect | When(resource.Backing == null, s_noBacking); // only a scanout gives it bounds
        return OkUnless(When(!IsInside(rect, resource), s_badRect) | When(IsInside(rect, resource), EmptyRect(rect)));
    }
}
