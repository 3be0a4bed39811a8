// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Interop;

/// <summary>A gbm_device.</summary>
/// <param name="Value">The pointer; 0 is none.</param>
public readonly record struct GbmDevice(nint Value);

/// <summary>A gbm_bo: a buffer that the GPU's driver has laid out.</summary>
/// <param name="Value">The pointer; 0 is none.</param>
public readonly record struct GbmBuffer(nint Value);

/// <summary>
/// The calls of GBM that allocate what a compositor prefers, loaded at run time: the program runs without GBM too. Thread: one at a time for each device.
/// Source: Mesa's gbm.h, from 21.1 on.
/// </summary>
public sealed unsafe class Gbm
{
    /// <summary>The library's name.</summary>
    public const string LibraryName = "libgbm.so.1";

    private const uint GBM_BO_USE_SCANOUT = 1;
    private const uint GBM_BO_USE_RENDERING = 4;
    private const uint GBM_BO_USE_LINEAR = 16;

    private readonly delegate* unmanaged<int, nint> _createDevice;
    private readonly delegate* unmanaged<nint, void> _deviceDestroy;
    private readonly delegate* unmanaged<nint, uint, uint, uint, ulong*, uint, uint, nint> _create;
    private readonly delegate* unmanaged<nint, uint, uint, uint, uint, nint> _createByUse;
    private readonly delegate* unmanaged<nint, void> _destroy;
    private readonly delegate* unmanaged<nint, ulong> _getModifier;
    private readonly delegate* unmanaged<nint, int> _getPlaneCount;
    private readonly delegate* unmanaged<nint, int, int> _getFdForPlane;
    private readonly delegate* unmanaged<nint, int, uint> _getStrideForPlane;
    private readonly delegate* unmanaged<nint, int, uint> _getOffset;

    private Gbm(NativeModule module)
    {
        // SAFETY: each pointer has the C prototype of the name it was looked up by.
        _createDevice = (delegate* unmanaged<int, nint>)module.Find("gbm_create_device");
        _deviceDestroy = (delegate* unmanaged<nint, void>)module.Find("gbm_device_destroy");
        _create = (delegate* unmanaged<nint, uint, uint, uint, ulong*, uint, uint, nint>)module.Find("gbm_bo_create_with_modifiers2");
        _createByUse = (delegate* unmanaged<nint, uint, uint, uint, uint, nint>)module.Find("gbm_bo_create");
        _destroy = (delegate* unmanaged<nint, void>)module.Find("gbm_bo_destroy");
        _getModifier = (delegate* unmanaged<nint, ulong>)module.Find("gbm_bo_get_modifier");
        _getPlaneCount = (delegate* unmanaged<nint, int>)module.Find("gbm_bo_get_plane_count");
        _getFdForPlane = (delegate* unmanaged<nint, int, int>)module.Find("gbm_bo_get_fd_for_plane");
        _getStrideForPlane = (delegate* unmanaged<nint, int, uint>)module.Find("gbm_bo_get_stride_for_plane");
        _getOffset = (delegate* unmanaged<nint, int, uint>)module.Find("gbm_bo_get_offset");
    }

    private bool IsComplete =>
        _createDevice != null && _deviceDestroy != null && _create != null && _createByUse != null && _destroy != null && _getModifier != null
        && _getPlaneCount != null && _getFdForPlane != null && _getStrideForPlane != null && _getOffset != null;

    /// <summary>Loads the library.</summary>
    /// <param name="name">Its name: <see cref="LibraryName"/>, but for tests.</param>
    /// <param name="reason">Why there is none, without a full stop.</param>
    /// <returns>Null if it isn't installed, or is too old.</returns>
    public static Gbm? TryLoad(string name, out string reason)
    {
        reason = $"{name} can't be loaded";
        if (NativeModule.TryLoad(name) is not { } module)
            return null;
        reason = $"{name} is older than Mesa 21.1's";
        var gbm = new Gbm(module);
        return gbm.IsComplete ? gbm : null;
    }

    /// <summary>Opens a GPU.</summary>
    /// <param name="node">A DRM device node; borrowed, and open as long as the device is.</param>
    /// <returns>The device (the caller's); the default value if no driver takes it.</returns>
    public GbmDevice CreateDevice(FileHandle node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return new GbmDevice(_createDevice(node.Fd));
    }

    /// <summary>Ends a device.</summary>
    /// <param name="device">Without buffers.</param>
    public void DestroyDevice(GbmDevice device) => _deviceDestroy(device.Value);

    /// <summary>Allocates a buffer to be drawn to.</summary>
    /// <param name="device">On which.</param>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    /// <param name="fourcc">The format's four letters.</param>
    /// <param name="modifiers">The layouts to choose from; at least one.</param>
    /// <param name="mayScanOut">Whether the display engine should be able to show it, too.</param>
    /// <returns>The buffer (the caller's); the default value if the driver has none such.</returns>
    public GbmBuffer CreateBuffer(GbmDevice device, int width, int height, uint fourcc, ReadOnlySpan<ulong> modifiers, bool mayScanOut)
    {
        var use = mayScanOut ? GBM_BO_USE_RENDERING | GBM_BO_USE_SCANOUT : GBM_BO_USE_RENDERING;
        fixed (ulong* list = modifiers)
            return new GbmBuffer(_create(device.Value, (uint)width, (uint)height, fourcc, list, (uint)modifiers.Length, use));
    }

    /// <summary>Allocates a buffer to be drawn to whose rows follow one another, of drivers that know no modifiers too.</summary>
    /// <param name="device">On which.</param>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    /// <param name="fourcc">The format's four letters.</param>
    /// <param name="mayScanOut">Whether the display engine should be able to show it, too.</param>
    /// <returns>The buffer (the caller's); the default value if the driver has none such.</returns>
    public GbmBuffer CreateLinearBuffer(GbmDevice device, int width, int height, uint fourcc, bool mayScanOut) =>
        new(_createByUse(device.Value, (uint)width, (uint)height, fourcc, GBM_BO_USE_LINEAR | GBM_BO_USE_RENDERING | (mayScanOut ? GBM_BO_USE_SCANOUT : 0)));

    /// <summary>Ends a buffer; its dma-bufs live on.</summary>
    /// <param name="buffer">Which.</param>
    public void DestroyBuffer(GbmBuffer buffer) => _destroy(buffer.Value);

    /// <summary>The layout that the driver has chosen.</summary>
    /// <param name="buffer">Which.</param>
    public ulong GetModifier(GbmBuffer buffer) => _getModifier(buffer.Value);

    /// <summary>How many planes it has.</summary>
    /// <param name="buffer">Which.</param>
    public int GetPlaneCount(GbmBuffer buffer) => _getPlaneCount(buffer.Value);

    /// <summary>One plane.</summary>
    /// <param name="buffer">Which.</param>
    /// <param name="index">Below the count.</param>
    /// <param name="offsetBytes">Where its first row starts.</param>
    /// <param name="strideBytes">From row to row.</param>
    /// <returns>Its dma-buf (the caller's), or null: out of descriptors.</returns>
    public DmabufHandle? TryGetPlane(GbmBuffer buffer, int index, out uint offsetBytes, out uint strideBytes)
    {
        offsetBytes = _getOffset(buffer.Value, index);
        strideBytes = _getStrideForPlane(buffer.Value, index);
        var fd = _getFdForPlane(buffer.Value, index);
        return fd < 0 ? null : DmabufHandle.Adopt(fd);
    }
}
