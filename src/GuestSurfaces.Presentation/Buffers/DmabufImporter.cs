// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>
/// The guest's own pages: dma-bufs go to the compositor plane by plane, and it answers whether it can read them. Asked in the way that may
/// fail (create, never create_immed, whose failure ends the connection); everything that would be a protocol error is checked here first.
/// </summary>
internal sealed class DmabufImporter : IBufferImporter
{
    private static readonly RungReport s_direct = new(Rung.Direct, string.Empty);

    private readonly ZwpLinuxDmabufV1? _dmabuf;
    private readonly DmabufFormats? _formats;
    private readonly bool _canCrop;
    private readonly List<Request> _requests = [];

    /// <summary>Makes the importer of a connection.</summary>
    /// <param name="dmabuf">Null if the compositor has none: then every import fails, with that reason.</param>
    /// <param name="canCrop">Whether there is wp_viewporter.</param>
    public DmabufImporter(ZwpLinuxDmabufV1? dmabuf, bool canCrop)
    {
        _dmabuf = dmabuf;
        _canCrop = canCrop;
        _formats = dmabuf is null ? null : new DmabufFormats(dmabuf);
    }

    /// <inheritdoc/>
    /// <remarks>The whole view, cropped by wp_viewport: an offset inside a row is more than many GPUs import.</remarks>
    public BufferRect Cover(BufferStorage storage, BufferView view, BufferRect source) =>
        _canCrop || view.PlaneCount > 1 || PixelLayout.BytesPerPixel(view.Format) == 0 ? view.Size.Whole : source;

    /// <inheritdoc/>
    public void Import(SurfaceBuffer buffer)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        if (Refusal(buffer) is { } reason)
        {
            buffer.MarkFailed(new RungReport(Rung.None, reason));
            return;
        }

        var view = buffer.View;
        var parameters = _dmabuf!.CreateParams();
        var request = new Request(this, buffer, parameters);
        _requests.Add(request);
        parameters.Listener = request;
        for (var i = 0; i < view.PlaneCount; i++)
        {
            var plane = view.Plane(i);
            var offset = i == 0 && view.PlaneCount == 1 ? (uint)PixelLayout.OffsetBytes(view, buffer.Covers) : plane.OffsetBytes;
            parameters.Add(buffer.Storage.Plane(plane.StoragePlane), (uint)i, offset, plane.StrideBytes, (uint)(view.Modifier.Value >> 32), (uint)view.Modifier.Value);
        }

        // No flags: compositors refuse them, some fatally; a picture that stands on its head is turned by the surface's transform.
        parameters.Create(buffer.Covers.Width, buffer.Covers.Height, view.Format.Opaque.Fourcc, 0);
    }

    /// <inheritdoc/>
    public void Cancel(SurfaceBuffer buffer)
    {
        for (var i = _requests.Count - 1; i >= 0; i--)
        {
            if (_requests[i].Buffer != buffer)
                continue;
            _requests[i].Parameters.Destroy(); // an answer on its way is dropped with its wl_buffer by the connection
            _requests.RemoveAt(i);
        }
    }

    /// <inheritdoc/>
    public void Forget(BufferStorage storage)
    {
    }

    private static bool PlanesFit(SurfaceBuffer buffer)
    {
        var view = buffer.View;
        for (var i = 0; i < view.PlaneCount; i++)
        {
            var plane = view.Plane(i);
            if (plane.StoragePlane >= buffer.Storage.PlaneCount)
                return false;
            var limit = Math.Min(buffer.Storage.Plane(plane.StoragePlane).GetSizeBytes(), uint.MaxValue);

            // How high a second plane is depends on the format: its first row at least, as compositors check it.
            var fits = i == 0 ? PixelLayout.RowsFit(view, buffer.Covers, limit) : (ulong)plane.OffsetBytes + plane.StrideBytes <= limit;
            if (!fits || plane.StrideBytes == 0)
                return false;
        }

        return true;
    }

    private string? Refusal(SurfaceBuffer buffer)
    {
        var format = buffer.View.Format.Opaque;
        var modifier = buffer.View.Modifier;
        if (_formats is null)
            return "the compositor offers no linux-dmabuf";
        if (!PlanesFit(buffer))
            return $"the dma-buf is smaller than its picture ({buffer.View})";
        if (_formats.Contains(format, modifier))
            return null;

        // With an implicit modifier (INVALID) linear memory may be read as tiled: a picture that is wrong is worse than a copy.
        return _formats.Contains(format, DrmModifier.Invalid)
            ? $"the compositor imports {format} only with a layout of its own, not {modifier}"
            : $"the compositor doesn't import {format} dma-bufs with layout {modifier}";
    }

    private sealed class Request(DmabufImporter importer, SurfaceBuffer buffer, ZwpLinuxBufferParamsV1 parameters) : IZwpLinuxBufferParamsV1Listener
    {
        public SurfaceBuffer Buffer => buffer;

        public ZwpLinuxBufferParamsV1 Parameters => parameters;

        void IZwpLinuxBufferParamsV1Listener.OnCreated(ZwpLinuxBufferParamsV1 sender, WlBuffer created)
        {
            Buffer.MarkReady(created, s_direct);
            End();
        }

        void IZwpLinuxBufferParamsV1Listener.OnFailed(ZwpLinuxBufferParamsV1 sender)
        {
            Buffer.MarkFailed(new RungReport(Rung.None, $"the compositor can't import the dma-buf ({Buffer.View})"));
            End();
        }

        private void End()
        {
            Parameters.Destroy();
            importer._requests.Remove(this);
            Buffer.User.OnBufferChanged(Buffer);
        }
    }
}
