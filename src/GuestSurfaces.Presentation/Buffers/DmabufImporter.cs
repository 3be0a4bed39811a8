// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>
/// The guest's own pages: dma-bufs go to the compositor plane by plane, and it answers whether it can read them. Asked in the way that may
/// fail (create, never create_immed, whose failure ends the connection); everything that would be a protocol error is refused before. What the
/// compositor couldn't import is remembered by its shape, so that a guest's next buffers needn't be tried, until the compositor's feedback changes.
/// </summary>
internal sealed class DmabufImporter : IBufferImporter
{
    // A guest has a few framebuffers; one that tries ever new shapes starts over.
    private const int MaxFailures = 64;

    private static readonly RungReport s_direct = new(Rung.Direct, string.Empty);
    private static readonly RungReport s_noDmabuf = new(Rung.None, "the compositor offers no linux-dmabuf", "run the compositor with a renderer that uses the GPU");

    private readonly ZwpLinuxDmabufV1? _dmabuf;
    private readonly bool _canCrop;
    private readonly List<Request> _requests = [];
    private readonly Dictionary<Shape, RungReport> _failures = [];
    private int _feedbackSerial;

    /// <summary>Makes the importer of a connection.</summary>
    /// <param name="dmabuf">Null if the compositor has none: then every import fails, with that reason.</param>
    /// <param name="canCrop">Whether there is wp_viewporter.</param>
    public DmabufImporter(ZwpLinuxDmabufV1? dmabuf, bool canCrop)
    {
        _dmabuf = dmabuf;
        _canCrop = canCrop;
    }

    /// <inheritdoc/>
    /// <remarks>The whole view, cropped by wp_viewport: an offset inside a row is more than many GPUs import, and means nothing in a tiled layout.</remarks>
    public BufferRect Cover(BufferStorage storage, BufferView view, BufferRect source)
    {
        if (_canCrop || source == view.Size.Whole)
            return view.Size.Whole;
        return view.Modifier == DrmModifier.Linear && PixelLayout.BytesPerPixel(view.Format) != 0 ? source : default;
    }

    /// <inheritdoc/>
    public void Import(SurfaceBuffer buffer)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        var shape = Shape.Of(buffer);
        if (Refusal(buffer) is { } refusal || _failures.TryGetValue(shape, out refusal))
        {
            buffer.MarkFailed(refusal);
            return;
        }

        var view = buffer.View;
        var parameters = _dmabuf!.CreateParams();
        var request = new Request(this, buffer, parameters, shape, _feedbackSerial);
        _requests.Add(request);
        parameters.Listener = request;
        for (var i = 0; i < view.PlaneCount; i++)
        {
            var plane = view.Plane(i);
            var offset = i == 0 ? (uint)PixelLayout.OffsetBytes(view, buffer.Covers) : plane.OffsetBytes;
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

    /// <summary>The compositor's feedback has changed: what it couldn't import, it may be able to now. What is under way is asked again if it fails.</summary>
    public void ForgetFailures()
    {
        _failures.Clear();
        _feedbackSerial++;
    }

    private RungReport? Refusal(SurfaceBuffer buffer) =>
        _dmabuf is null ? s_noDmabuf : DmabufChoice.Refusal(buffer.User.Feedback, buffer.Storage, buffer.View, buffer.Covers);

    private void OnFailed(Request request)
    {
        var buffer = request.Buffer;
        if (request.FeedbackSerial != _feedbackSerial)
        {
            Import(buffer);
            if (buffer.State == ImportState.Importing)
                return;
        }
        else
        {
            if (_failures.Count == MaxFailures)
                _failures.Clear();
            var report = DmabufChoice.Failure(buffer.View, buffer.Covers);
            _failures[request.Shape] = report;
            buffer.MarkFailed(report);
        }

        buffer.User.OnBufferChanged(buffer);
    }

    /// <summary>All that a compositor sees of a dma-buf before it looks at its memory.</summary>
    private readonly record struct Shape(BufferRect Covers, DrmFormat Format, DrmModifier Modifier, PlaneLayout Plane0, PlaneLayout Plane1, PlaneLayout Plane2, PlaneLayout Plane3)
    {
        public static Shape Of(SurfaceBuffer buffer)
        {
            var view = buffer.View;
            return new Shape(buffer.Covers, view.Format.Opaque, view.Modifier, view.Plane(0), PlaneOrNone(1), PlaneOrNone(2), PlaneOrNone(3));

            PlaneLayout PlaneOrNone(int index) => index < view.PlaneCount ? view.Plane(index) : default;
        }
    }

    private sealed class Request(DmabufImporter importer, SurfaceBuffer buffer, ZwpLinuxBufferParamsV1 parameters, Shape shape, int feedbackSerial)
        : IZwpLinuxBufferParamsV1Listener
    {
        public SurfaceBuffer Buffer => buffer;

        public ZwpLinuxBufferParamsV1 Parameters => parameters;

        public Shape Shape => shape;

        public int FeedbackSerial => feedbackSerial;

        void IZwpLinuxBufferParamsV1Listener.OnCreated(ZwpLinuxBufferParamsV1 sender, WlBuffer created)
        {
            End();
            Buffer.MarkReady(created, s_direct);
            Buffer.User.OnBufferChanged(Buffer);
        }

        void IZwpLinuxBufferParamsV1Listener.OnFailed(ZwpLinuxBufferParamsV1 sender)
        {
            End();
            importer.OnFailed(this);
        }

        private void End()
        {
            Parameters.Destroy();
            importer._requests.Remove(this);
        }
    }
}
