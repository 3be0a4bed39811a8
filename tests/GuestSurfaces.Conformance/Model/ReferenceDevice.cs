// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>
/// A 2D virtio-gpu in the plainest words, written from the specification alone: says which answers a request may get, and what is on
/// each scanout afterwards. It follows the device: what was answered with success is done here as well, what wasn't isn't.
/// </summary>
/// <param name="memory">The guest's RAM, read at TRANSFER.</param>
public sealed partial class ReferenceDevice(GuestMemory memory)
{
    public const int MaxScanouts = 16;
    public const uint MostEntries = 16384;

    /// <summary>No device need make anything longer on one side.</summary>
    public const uint LongestSide = 16384;

    private readonly Dictionary<uint, ModelResource> _resources = [];
    private readonly ModelScanout?[] _scanouts = new ModelScanout?[MaxScanouts];

    public IReadOnlyDictionary<uint, ModelResource> Resources => _resources;

    /// <summary>What a scanout shows; null if it is off.</summary>
    public ModelScanout? Scanout(int index) => _scanouts[index];

    /// <summary>Does what a device does that has answered this request with success.</summary>
    public void Commit(ReadOnlySpan<byte> request)
    {
        if (request.Length < GpuHeader.SizeBytes)
            return;
        switch ((GpuCommand)GpuCommands.Get32(request, 0))
        {
            case GpuCommand.ResourceCreate2D:
                var resource = new ModelResource((GpuFormat)U32(request, 28), U32(request, 32), U32(request, 36));
                _resources[U32(request, 24)] = resource;
                break;
            case GpuCommand.ResourceCreateBlob:
                _resources[U32(request, 24)] = new ModelResource(GpuCommands.Get64(request, 48)) { Backing = ReadEntries(request, U32(request, 36), 56) };
                break;
            case GpuCommand.ResourceUnref:
                Unref(U32(request, 24));
                break;
            case GpuCommand.ResourceAttachBacking:
                _resources[U32(request, 24)].Backing = ReadEntries(request, U32(request, 28), 32);
                break;
            case GpuCommand.ResourceDetachBacking:
                _resources[U32(request, 24)].Backing = null;
                break;
            case GpuCommand.TransferToHost2D:
                Transfer(_resources[U32(request, 48)], GpuCommands.GetRect(request, 24), GpuCommands.Get64(request, 40));
                break;
            case GpuCommand.SetScanout:
                SetScanout(U32(request, 40), U32(request, 44), GpuCommands.GetRect(request, 24));
                break;
            case GpuCommand.SetScanoutBlob:
                SetScanoutBlob(request);
                break;
            case GpuCommand.ResourceFlush:
                Flush(_resources[U32(request, 40)], GpuCommands.GetRect(request, 24));
                break;
            default:
                break; // questions change nothing
        }
    }

    private static uint U32(ReadOnlySpan<byte> from, int at) => GpuCommands.Get32(from, at);

    private static GpuMemoryEntry[]? ReadEntries(ReadOnlySpan<byte> request, uint count, int at)
    {
        var entries = new GpuMemoryEntry[count];
        for (var i = 0; i < entries.Length; i++)
            entries[i] = new GpuMemoryEntry(GpuCommands.Get64(request, at + (16 * i)), U32(request, at + 8 + (16 * i)));
        return entries.Length == 0 ? null : entries;
    }

    private void Unref(uint id)
    {
        var resource = _resources[id];
        for (var i = 0; i < MaxScanouts; i++)
        {
            if (_scanouts[i]?.Resource == resource)
                _scanouts[i] = null;
        }

        _resources.Remove(id);
    }

    private void SetScanout(uint scanout, uint id, GpuRect rect) =>
        _scanouts[scanout] = id == 0 ? null : new ModelScanout(_resources[id], rect, _resources[id].At);

    private void SetScanoutBlob(ReadOnlySpan<byte> request)
    {
        var (scanout, id, format, stride, offset) = (U32(request, 40), U32(request, 44), (GpuFormat)U32(request, 56), U32(request, 64), U32(request, 80));
        if (id == 0)
        {
            _scanouts[scanout] = null;
            return;
        }

        var resource = _resources[id];
        _scanouts[scanout] = new ModelScanout(resource, GpuCommands.GetRect(request, 24), (x, y) =>
        {
            Span<byte> pixel = stackalloc byte[4];
            var known = resource.Backing != null && ReadBacking(resource.Backing, offset + (y * (ulong)stride) + (x * 4UL), pixel) == 4;
            return known ? PixelFormats.Rgb(format, pixel) : ModelResource.Unknown;
        });
    }

    private void Flush(ModelResource resource, GpuRect damage)
    {
        foreach (var scanout in _scanouts)
        {
            if (scanout?.Resource == resource)
                scanout.Flush(damage);
        }
    }

    private void Transfer(ModelResource resource, GpuRect rect, ulong offset)
    {
        if (resource.Backing == null || resource.IsBlob)
            return; // a blob is shown from guest memory: nothing moves
        var row = new byte[rect.Width * 4];
        for (uint y = 0; y < rect.Height; y++)
        {
            // Row h starts at offset + h * stride of the resource, whatever the rectangle's x is (virtio 1.3 §5.7.6.8).
            var have = ReadBacking(resource.Backing, offset + (y * (ulong)resource.Width * 4), row) / 4;
            for (uint x = 0; x < rect.Width; x++)
            {
                // Beyond the backing's end a device shows what it likes.
                var rgb = x < have ? PixelFormats.Rgb(resource.Format, row.AsSpan((int)x * 4, 4)) : ModelResource.Unknown;
                resource.Put(rect.X + x, rect.Y + y, rgb);
            }
        }
    }

    /// <summary>Copies from scattered memory; returns how many bytes there were.</summary>
    private int ReadBacking(GpuMemoryEntry[] entries, ulong at, Span<byte> bytes)
    {
        var done = 0;
        foreach (var entry in entries)
        {
            if (at >= entry.LengthBytes)
            {
                at -= entry.LengthBytes;
                continue;
            }

            var n = (int)Math.Min((ulong)(bytes.Length - done), entry.LengthBytes - at);
            memory.Read(entry.Address + at, bytes.Slice(done, n));
            done += n;
            at = 0;
            if (done == bytes.Length)
                break;
        }

        return done;
    }
}
