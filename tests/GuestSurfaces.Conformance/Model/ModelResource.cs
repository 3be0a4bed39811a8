// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>A resource of the model: pixels as 0xRRGGBB, or a blob, whose pixels stay in guest memory.</summary>
public sealed class ModelResource
{
    /// <summary>Nobody can say what this pixel is.</summary>
    public const uint Unknown = 0xffff_ffff;

    private uint[]? _pixels;

    public ModelResource(GpuFormat format, uint width, uint height) => (Format, Width, Height) = (format, width, height);

    public ModelResource(ulong blobBytes) => (IsBlob, BlobBytes) = (true, blobBytes);

    public bool IsBlob { get; }

    public ulong BlobBytes { get; }

    public GpuFormat Format { get; }

    public uint Width { get; }

    public uint Height { get; }

    public GpuMemoryEntry[]? Backing { get; set; }

    public uint At(uint x, uint y) => _pixels == null ? Unknown : _pixels[(y * Width) + x];

    public void Put(uint x, uint y, uint rgb)
    {
        if (_pixels == null)
        {
            // Made when first drawn to: a device may say yes to gigabytes that nobody ever uses.
            _pixels = new uint[(ulong)Width * Height];
            _pixels.AsSpan().Fill(Unknown); // a new resource's content isn't specified
        }

        _pixels[(y * Width) + x] = rgb;
    }
}
