// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Interop;
using GuestSurfaces.Virtio.Queues;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// Does what a command asks, and says how that went: every number is checked here, before it is used. Knows no queues and holds nothing back.
/// Source: virtio 1.3 §5.7.6.8, with the limits of QEMU's device.
/// </summary>
internal sealed class GpuCommandProcessor
{
    private readonly Limits _limits;
    private readonly GuestStatistics _statistics;
    private readonly GuestMemory _memory;
    private readonly GpuResources _resources;
    private readonly ScanoutSet _scanouts;
    private readonly MonitorState _monitors;
    private readonly CursorPlane _cursors;
    private readonly HostPixelBudget _pixelBudget;
    private readonly BackingBudget _backingBudget;
    private readonly List<ScatteredRun> _runs = [];

    public GpuCommandProcessor(
        Limits limits, GuestStatistics statistics, GuestMemory memory, GpuResources resources, ScanoutSet scanouts, MonitorState monitors, CursorPlane cursors, HostPixelBudget pixelBudget)
    {
        _limits = limits;
        _statistics = statistics;
        _memory = memory;
        _resources = resources;
        _scanouts = scanouts;
        _monitors = monitors;
        _cursors = cursors;
        _pixelBudget = pixelBudget;
        _backingBudget = new BackingBudget(limits);
    }

    /// <summary>What the driver accepted of what was offered: a command of another feature doesn't exist.</summary>
    public VirtioGpuFeatures Features { get; set; }

    /// <summary>Executes a command of the control queue.</summary>
    /// <param name="command">The copy.</param>
    /// <param name="chain">For the page list behind it.</param>
    /// <param name="poppedNs">When it was popped.</param>
    /// <param name="reply">Filled where the answer has a payload.</param>
    /// <param name="frames">What a flush made: present them, and hold the answer of a fenced one.</param>
    public VirtioGpuResponse ExecuteControl(in GpuCommand command, DescriptorChain chain, long poppedNs, GpuReply reply, out FrameSet frames)
    {
        frames = default;
        switch (command.Type)
        {
            case VirtioGpuCommandType.TransferToHost2D:
                return Transfer(command.Body<TransferToHost2DBody>());
            case VirtioGpuCommandType.ResourceFlush:
                return Flush(command.Body<ResourceFlushBody>(), poppedNs, command.Header.IsFenced, out frames);
            case VirtioGpuCommandType.SetScanout:
                return SetScanout(command.Body<SetScanoutBody>(), poppedNs);
            case VirtioGpuCommandType.SetScanoutBlob when Has(VirtioGpuFeatures.ResourceBlob):
                return SetScanoutBlob(command.Body<SetScanoutBlobBody>(), poppedNs);
            case VirtioGpuCommandType.ResourceCreate2D:
                return Create2D(command.Body<ResourceCreate2DBody>());
            case VirtioGpuCommandType.ResourceCreateBlob when Has(VirtioGpuFeatures.ResourceBlob):
                return CreateBlob(command.Body<ResourceCreateBlobBody>(), chain);
            case VirtioGpuCommandType.ResourceAttachBacking:
                return AttachBacking(command.Body<AttachBackingBody>(), chain);
            case VirtioGpuCommandType.ResourceDetachBacking:
                return DetachBacking(command.Body<ResourceBody>().ResourceId);
            case VirtioGpuCommandType.ResourceUnref:
                return Unref(command.Body<ResourceBody>().ResourceId);
            case VirtioGpuCommandType.ResourceAssignUuid when Has(VirtioGpuFeatures.ResourceUuid):
                return AssignUuid(command.Body<ResourceBody>().ResourceId, reply);
            case VirtioGpuCommandType.GetDisplayInfo:
                return _monitors.DisplayInfo(reply);
            case VirtioGpuCommandType.GetEdid when Has(VirtioGpuFeatures.Edid):
                return _monitors.Edid(command.Body<GetEdidBody>().Scanout, reply);
            case VirtioGpuCommandType.GetCapsetInfo or VirtioGpuCommandType.GetCapset:
                return VirtioGpuResponse.InvalidParameter; // num_capsets is 0
            default:
                return VirtioGpuResponse.Unspecified;
        }
    }

    /// <summary>Executes a command of the cursor queue.</summary>
    public VirtioGpuResponse ExecuteCursor(in GpuCommand command) => command.Type switch
    {
        VirtioGpuCommandType.UpdateCursor => _cursors.Update(command.Body<CursorBody>(), _resources),
        VirtioGpuCommandType.MoveCursor => _cursors.Move(command.Body<CursorBody>()),
        _ => VirtioGpuResponse.Unspecified,
    };

    /// <summary>Guest RAM changed: buffers made of it are void.</summary>
    public void MemoryChanged()
    {
        foreach (var resource in _resources.All)
            resource.Export.Forget();
        _scanouts.MemoryChanged();
    }

    /// <summary>Forgets everything the driver made.</summary>
    public void Reset()
    {
        _cursors.Reset();
        _scanouts.Reset();
        _resources.Clear();
        _pixelBudget.Release();
        _monitors.Reset();
        Features = VirtioGpuFeatures.None;
    }

    private bool Has(VirtioGpuFeatures feature) => (Features & feature) != 0;

    private VirtioGpuResponse Create2D(in ResourceCreate2DBody body)
    {
        var response = _resources.CheckNew(body.ResourceId);
        if (response != VirtioGpuResponse.OkNoData)
            return response;
        if (!VirtioGpuFormats.TryToDrm(body.Format, out var format))
            return VirtioGpuResponse.InvalidParameter;
        if (body.Width == 0 || body.Height == 0 || body.Width > (uint)_limits.MaxDimension || body.Height > (uint)_limits.MaxDimension)
            return VirtioGpuResponse.InvalidParameter;
        var size = new BufferSize((int)body.Width, (int)body.Height);
        if (!_pixelBudget.TryTake(StorageRotation.BytesOf(size)))
            return VirtioGpuResponse.OutOfMemory;
        _resources.Add(new Resource2D(body.ResourceId, size, format, _pixelBudget, _statistics));
        return VirtioGpuResponse.OkNoData;
    }

    private VirtioGpuResponse CreateBlob(in ResourceCreateBlobBody body, DescriptorChain chain)
    {
        var response = _resources.CheckNew(body.ResourceId);
        if (response != VirtioGpuResponse.OkNoData)
            return response;
        if (body.BlobMemory != ResourceCreateBlobBody.MemoryGuest || body.Size == 0 || (body.BlobFlags & ~ResourceCreateBlobBody.FlagsKnown) != 0)
            return VirtioGpuResponse.InvalidParameter;
        if ((body.BlobFlags & ResourceCreateBlobBody.FlagCrossDevice) != 0 && !Has(VirtioGpuFeatures.ResourceUuid))
            return VirtioGpuResponse.InvalidParameter;
        if (body.Size > _limits.MaxBackingBytes)
            return VirtioGpuResponse.OutOfMemory;

        var blob = new GuestBlobResource(body.ResourceId, body.Size);
        if (body.EntryCount > 0)
        {
            response = Attach(blob, chain, (uint)GpuCommand.RequestSize(VirtioGpuCommandType.ResourceCreateBlob), body.EntryCount);
            if (response != VirtioGpuResponse.OkNoData)
                return response;
        }

        _resources.Add(blob);
        return VirtioGpuResponse.OkNoData;
    }

    private VirtioGpuResponse AttachBacking(in AttachBackingBody body, DescriptorChain chain)
    {
        if (_resources.Find(body.ResourceId) is not { } resource)
            return VirtioGpuResponse.InvalidResourceId;
        return resource.Backing is not null
            ? VirtioGpuResponse.Unspecified
            : Attach(resource, chain, (uint)GpuCommand.RequestSize(VirtioGpuCommandType.ResourceAttachBacking), body.EntryCount);
    }

    private VirtioGpuResponse Attach(GpuResource resource, DescriptorChain chain, uint offset, uint entryCount)
    {
        var response = BackingList.Fetch(chain, offset, entryCount, _memory, _backingBudget, _limits, _runs, out var backing);
        if (backing is null)
            return response;
        if (resource is GuestBlobResource blob && backing.LengthBytes < blob.SizeBytes)
        {
            backing.Release();
            return VirtioGpuResponse.InvalidParameter;
        }

        resource.Attach(backing);
        _scanouts.PagesAttached(resource);
        return response;
    }

    private VirtioGpuResponse DetachBacking(uint id)
    {
        if (_resources.Find(id) is not { } resource)
            return VirtioGpuResponse.InvalidResourceId;
        if (resource.Backing is null)
            return VirtioGpuResponse.Unspecified;
        if (resource is Resource2D picture)
            _scanouts.PagesGoing(picture);
        resource.Detach();
        return VirtioGpuResponse.OkNoData;
    }

    private VirtioGpuResponse Unref(uint id)
    {
        if (_resources.Find(id) is not { } resource)
            return VirtioGpuResponse.InvalidResourceId;
        _scanouts.DisableShowing(resource);
        _resources.Remove(resource);
        return VirtioGpuResponse.OkNoData;
    }

    private VirtioGpuResponse SetScanout(in SetScanoutBody body, long poppedNs)
    {
        if (body.ScanoutId >= (uint)_scanouts.Count)
            return VirtioGpuResponse.InvalidScanoutId;
        if (body.ResourceId == 0)
            return Disable(body.ScanoutId);
        if (_resources.Find(body.ResourceId) is not { } found)
            return VirtioGpuResponse.InvalidResourceId;

        // A blob has no geometry: SET_SCANOUT_BLOB is for those.
        if (found is not Resource2D resource || !BlobFramebuffer.IsVisible(body.Rect, resource.Size, _limits))
            return VirtioGpuResponse.InvalidParameter;
        _scanouts.Show((int)body.ScanoutId, resource, body.Rect.ClipTo(resource.Size), poppedNs);
        return VirtioGpuResponse.OkNoData;
    }

    private VirtioGpuResponse SetScanoutBlob(in SetScanoutBlobBody body, long poppedNs)
    {
        if (body.ScanoutId >= (uint)_scanouts.Count)
            return VirtioGpuResponse.InvalidScanoutId;
        if (body.ResourceId == 0)
            return Disable(body.ScanoutId);
        if (_resources.Find(body.ResourceId) is not { } found)
            return VirtioGpuResponse.InvalidResourceId;
        if (found is not GuestBlobResource blob)
            return VirtioGpuResponse.InvalidParameter;
        if (blob.Backing is null)
            return VirtioGpuResponse.Unspecified;
        if (!BlobFramebuffer.TryCheck(in body, blob.SizeBytes, _limits, out var framebuffer, out var visible))
            return VirtioGpuResponse.InvalidParameter;
        _scanouts.Show((int)body.ScanoutId, blob, in framebuffer, visible, poppedNs);
        return VirtioGpuResponse.OkNoData;
    }

    private VirtioGpuResponse Disable(uint scanout)
    {
        _scanouts.Disable((int)scanout);
        return VirtioGpuResponse.OkNoData;
    }

    private VirtioGpuResponse Transfer(in TransferToHost2DBody body) => _resources.Find(body.ResourceId) switch
    {
        null => VirtioGpuResponse.InvalidResourceId,
        Resource2D resource => body.Rect.FitsIn(resource.Size)
            ? resource.Transfer(_memory, body.Rect.ClipTo(resource.Size), body.Offset)
            : VirtioGpuResponse.InvalidParameter,

        // Linux sends it for every dumb buffer; a blob's pixels are where they belong already.
        _ => VirtioGpuResponse.OkNoData,
    };

    private VirtioGpuResponse Flush(in ResourceFlushBody body, long poppedNs, bool awaited, out FrameSet frames)
    {
        frames = default;
        if (_resources.Find(body.ResourceId) is not { } resource)
            return VirtioGpuResponse.InvalidResourceId;
        if (resource is Resource2D { Size: var size } && !body.Rect.FitsIn(size))
            return VirtioGpuResponse.InvalidParameter;
        return _scanouts.Flush(resource, body.Rect, poppedNs, awaited, out frames);
    }

    private VirtioGpuResponse AssignUuid(uint id, GpuReply reply)
    {
        if (_resources.Find(id) is not { } resource)
            return VirtioGpuResponse.InvalidResourceId;
        resource.Uuid ??= Guid.NewGuid(); // version 4, from the system's generator

        // RFC 4122 order: not one of virtio's little-endian integers.
        resource.Uuid.Value.TryWriteBytes(reply.Payload(16), bigEndian: true, out _);
        return VirtioGpuResponse.OkResourceUuid;
    }
}
