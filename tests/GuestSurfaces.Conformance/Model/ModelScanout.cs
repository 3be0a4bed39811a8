// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>A scanout of the model: part of a resource, and what its pixels were when last flushed.</summary>
public sealed class ModelScanout
{
    private readonly uint[] _flushed;
    private readonly Func<uint, uint, uint> _source;

    /// <param name="resource">What it shows.</param>
    /// <param name="rect">Which part.</param>
    /// <param name="source">The pixel at x, y of the whole picture, now.</param>
    public ModelScanout(ModelResource resource, GpuRect rect, Func<uint, uint, uint> source)
    {
        (Resource, Rect, _source) = (resource, rect, source);
        _flushed = new uint[rect.Width * rect.Height];
        _flushed.AsSpan().Fill(ModelResource.Unknown);
    }

    public ModelResource Resource { get; }

    public GpuRect Rect { get; }

    public void Flush(GpuRect damage)
    {
        for (uint y = 0; y < Rect.Height; y++)
        {
            for (uint x = 0; x < Rect.Width; x++)
            {
                var (rx, ry) = (Rect.X + x, Rect.Y + y);
                if (rx >= damage.X && ry >= damage.Y && rx - damage.X < damage.Width && ry - damage.Y < damage.Height)
                    _flushed[(y * Rect.Width) + x] = _source(rx, ry);
            }
        }
    }

    /// <summary>
    /// Whether a pixel may look like this. What was transferred but not flushed yet may already be seen or not; what never was
    /// flushed may look like anything.
    /// </summary>
    public bool Allows(uint x, uint y, uint rgb)
    {
        var flushed = _flushed[(y * Rect.Width) + x];
        if (flushed == ModelResource.Unknown || flushed == rgb)
            return true;
        var now = _source(Rect.X + x, Rect.Y + y);
        return now == rgb || now == ModelResource.Unknown;
    }

    /// <summary>What a pixel should be: the value at the last flush.</summary>
    public uint Expected(uint x, uint y) => _flushed[(y * Rect.Width) + x];
}
