// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Buffers;

namespace GuestSurfaces.Presentation.Conversion;

/// <summary>
/// A picture of the guest's, for the GPU to read. Made on the loop's thread, filled by the device when it first draws it, on the helper's thread; the loop looks
/// at it again only after a job that used it is finished.
/// </summary>
/// <param name="planes">Adopted: descriptors of its own, as the storage may be gone when the helper comes to it. Those of the view's storage planes.</param>
/// <param name="view">How to read them; checked by <see cref="Sampling.Refusal"/>.</param>
internal sealed class GpuSource(DmabufHandle[] planes, BufferView view)
{
    /// <summary>How to read it.</summary>
    public BufferView View => view;

    /// <summary>The descriptors; closed once the device has what it needs.</summary>
    public DmabufHandle[] Planes => planes;

    /// <summary>The device's: an image for each sampled plane.</summary>
    public EglImage[] Images { get; set; } = [];

    /// <summary>Why the device can't read it; null while it wasn't tried.</summary>
    public GpuFailure? Refusal { get; set; }

    /// <summary>Closes the descriptors.</summary>
    public void ClosePlanes()
    {
        foreach (var plane in planes)
            plane.Dispose();
    }
}

/// <summary>A buffer of ours that the GPU draws into and the compositor shows.</summary>
/// <param name="planes">The descriptors; the loop takes them over.</param>
/// <param name="view">How to read them.</param>
internal class GpuTarget(DmabufHandle[] planes, BufferView view)
{
    /// <summary>The dma-bufs.</summary>
    public DmabufHandle[] Planes => planes;

    /// <summary>What they hold.</summary>
    public BufferView View => view;
}

/// <summary>What draws pictures into pictures: the GPU, or a test. Thread: the helper's, for everything; calls may take long.</summary>
internal interface IGpuDevice : IDisposable
{
    /// <summary>Whether it is the CPU that draws: then a conversion is a copy.</summary>
    bool IsSoftware { get; }

    /// <summary>Makes a buffer.</summary>
    /// <param name="size">In pixels.</param>
    /// <param name="choices">What the compositor prefers, best first.</param>
    /// <param name="failure">Why there is none.</param>
    GpuTarget? TryAllocate(BufferSize size, IReadOnlyList<DmabufTarget> choices, out GpuFailure? failure);

    /// <summary>Draws parts of a source's picture into a target, pixel by pixel, opaque; done when it returns.</summary>
    /// <param name="source">From. Imported if it wasn't; if that fails its <see cref="GpuSource.Refusal"/> is set.</param>
    /// <param name="crop">The picture in it, as large as the target.</param>
    /// <param name="target">To.</param>
    /// <param name="rects">Which parts, in the target's pixels.</param>
    /// <returns>Null if it is done.</returns>
    GpuFailure? TryDraw(GpuSource source, BufferRect crop, GpuTarget target, in DamageList rects);

    /// <summary>A source isn't needed any more.</summary>
    /// <param name="source">Which.</param>
    void Release(GpuSource source);

    /// <summary>A target isn't needed any more. Its dma-bufs aren't the device's.</summary>
    /// <param name="target">Which.</param>
    void Release(GpuTarget target);
}
