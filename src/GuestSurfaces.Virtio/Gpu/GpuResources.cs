// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>The guest's resources by number.</summary>
internal sealed class GpuResources(Limits limits)
{
    private readonly Dictionary<uint, GpuResource> _byId = [];

    public int Count => _byId.Count;

    public Dictionary<uint, GpuResource>.ValueCollection All => _byId.Values;

    public GpuResource? Find(uint id) => _byId.GetValueOrDefault(id);

    /// <summary>Whether a number can be given to one more resource.</summary>
    public VirtioGpuResponse CheckNew(uint id) =>
        id == 0 || _byId.ContainsKey(id) ? VirtioGpuResponse.InvalidResourceId
        : _byId.Count >= limits.MaxResources ? VirtioGpuResponse.OutOfMemory
        : VirtioGpuResponse.OkNoData;

    public void Add(GpuResource resource) => _byId.Add(resource.Id, resource);

    public void Remove(GpuResource resource)
    {
        _byId.Remove(resource.Id);
        resource.Destroy();
    }

    public void Clear()
    {
        foreach (var resource in _byId.Values)
            resource.Destroy();
        _byId.Clear();
    }
}
