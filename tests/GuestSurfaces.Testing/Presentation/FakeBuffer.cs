// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>A wl_buffer as a compositor sees it: pixels in a client's memory, and whether they are still needed.</summary>
public sealed class FakeBuffer : IWlBufferRequests
{
    private readonly FakeCompositor _compositor;
    private readonly SharedRegion? _memory;
    private readonly ulong _offset;
    private readonly uint _stride;
    private readonly uint _colour;

    public FakeBuffer(FakeCompositor compositor, WlBufferResource resource, BufferSize size, SharedRegion? memory, ulong offset, uint stride, uint format, uint colour = 0)
    {
        _compositor = compositor;
        Resource = resource;
        Size = size;
        Format = format;
        _memory = memory;
        _offset = offset;
        _stride = stride;
        _colour = colour;
        resource.Tag = this;
        resource.Handler = this;
    }

    public WlBufferResource Resource { get; }

    public BufferSize Size { get; }

    public uint Format { get; }

    public ulong OffsetBytes => _offset;

    /// <summary>Whether it came by linux-dmabuf.</summary>
    public bool IsDmabuf { get; init; }

    /// <summary>The last point that its commits asked to have signalled; 0 before the first.</summary>
    public ulong LastReleasePoint { get; set; }

    /// <summary>Where.</summary>
    public FakeTimeline? ReleaseTimeline { get; set; }

    /// <summary>Whether it has memory that a client shares; else it is one pixel that was told.</summary>
    public bool IsShared => _memory is not null;

    /// <summary>Which file its pixels are in.</summary>
    public FileIdentity Identity => _memory!.File.GetIdentity();

    public int Releases { get; private set; }

    public bool IsDestroyed => !Resource.IsAlive;

    /// <summary>Committed and not released: the client may neither write nor destroy it.</summary>
    public bool IsHeld { get; set; }

    public void Release()
    {
        if (!IsHeld)
            return;
        IsHeld = false;
        Releases++;
        if (Resource.IsAlive)
            Resource.SendRelease();
    }

    void IWlBufferRequests.OnDestroy(WlBufferResource sender)
    {
        if (IsHeld)
            _compositor.DestroyedHeld.Add(this);
    }

    /// <summary>What is at a place; premultiplied by the alpha in its upper byte, which is 255 where the format has none.</summary>
    public uint Pixel(int x, int y)
    {
        var opaque = Format == (uint)WlShmFormat.Argb8888 ? 0 : 0xff00_0000;
        return opaque | Read(x, y);
    }

    public void Upload(uint[] texture, BufferRect rect)
    {
        for (var y = rect.Y; y < rect.Bottom; y++)
        {
            for (var x = rect.X; x < rect.Right; x++)
                texture[(y * Size.Width) + x] = Pixel(x, y);
        }
    }

    private uint Read(int x, int y)
    {
        if (_memory is null)
            return _colour;
        return _memory.TryRead(_offset + ((ulong)y * _stride) + ((ulong)x * 4), out uint pixel) ? pixel : throw new InvalidOperationException("a wl_buffer reaches beyond its memory");
    }
}
