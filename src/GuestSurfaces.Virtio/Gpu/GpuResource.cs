// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Virtio.Gpu;

/// <summary>Something that the guest made and gave a number.</summary>
internal abstract class GpuResource(uint id)
{
    /// <summary>The guest's number for it; never 0.</summary>
    public uint Id { get; } = id;

    /// <summary>Its guest pages; null while none are attached.</summary>
    public BackingList? Backing { get; private set; }

    /// <summary>Whether its pages couldn't be read when they were last to be copied: their memory is gone.</summary>
    public bool IsUnreadable { get; set; }

    /// <summary>Its guest pages as one buffer, for the direct rung.</summary>
    public PageExport Export { get; } = new();

    /// <summary>Its name for other devices; made when first asked for, the same ever after. Linux asks again with every export.</summary>
    public Guid? Uuid { get; set; }

    /// <summary>Attaches pages. Not while there are some.</summary>
    public void Attach(BackingList backing) => Backing = backing;

    /// <summary>Forgets the pages.</summary>
    public virtual void Detach()
    {
        Export.Forget();
        Backing?.Release();
        Backing = null;
        IsUnreadable = false;
    }

    /// <summary>The guest gave it up. Its storages live on while they are read.</summary>
    public virtual void Destroy() => Detach();
}
