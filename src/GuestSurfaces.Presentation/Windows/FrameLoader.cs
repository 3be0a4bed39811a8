// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Presentation.Conversion;

namespace GuestSurfaces.Presentation.Windows;

/// <summary>What became of loading a frame.</summary>
internal enum LoadResult
{
    /// <summary>It can be attached.</summary>
    Ready,

    /// <summary>The user of the buffer is told when it's worth trying again.</summary>
    Wait,

    /// <summary>It is being converted: likewise, and no other frame may take its place.</summary>
    Hold,

    /// <summary>This compositor can't show it.</summary>
    Refused,
}

/// <summary>
/// Climbs down the ladder for one window: finds the wl_buffer of a frame, or converts the frame into one that has a wl_buffer; a dma-buf by the GPU, shared
/// memory by the CPU. What can't be converted is refused, with the reasons of both rungs.
/// </summary>
/// <param name="compositor">The connection.</param>
/// <param name="user">The surface.</param>
/// <param name="options">Whether to convert what needs no conversion.</param>
/// <param name="statistics">Where to count.</param>
/// <param name="preferences">What buffers of ours should be like on that surface now, best first.</param>
/// <param name="changed">Told when it's worth trying again.</param>
internal sealed class FrameLoader(
    Compositor compositor, ISurfaceBufferUser user, PresenterOptions options, GuestStatistics statistics, Func<IReadOnlyList<DmabufTarget>> preferences, Action changed)
{
    private static readonly RungReport s_notDirect = new(Rung.None, "direct is switched off (--convert)", "leave --convert out");

    private readonly CpuConverter _converter = new(statistics);
    private GpuConverter? _gpuConverter;
    private RungReport _conversion = new(Rung.Copy, string.Empty);
    private RungReport _gpuConversion = new(Rung.Convert, string.Empty);
    private RungReport _direct = new(Rung.None, string.Empty);
    private DrmFormat _missing;
    private bool _couldBeCut;

    /// <summary>Finds or makes the wl_buffer of a frame.</summary>
    /// <param name="frame">In place: a conversion moves it into a buffer of ours.</param>
    /// <param name="buffer">Set if ready.</param>
    /// <param name="report">By which rung, or why not.</param>
    public LoadResult Load(ref GuestFrame frame, out SurfaceBuffer? buffer, out RungReport report)
    {
        buffer = null;
        report = _conversion;

        // Frames may come from another process: numbers that a compositor would end the connection for end here.
        if (!IsInside(frame.Source, frame.View.Size))
            return Refuse($"the part to show, {frame.Source}, isn't inside {frame.View}", out report);
        if (frame.Storage.IsDmabuf)
            return LoadDmabuf(ref frame, out buffer, out report);
        _gpuConverter?.Skip();
        var isConverted = NeedsConversion(in frame);
        if (isConverted)
        {
            if (!CpuConverter.CanConvert(in frame))
                return Refuse($"the compositor's wl_shm can't read {frame.View}", out report);
            var reason = ConversionReason(in frame);
            switch (_converter.Convert(ref frame))
            {
                case ConversionResult.Wait:
                    return LoadResult.Wait;
                case ConversionResult.Failed:
                    _converter.Reset();
                    return Refuse(
                        CanBeCut(frame.Storage)
                            ? $"{frame.View} can't be read: the program that drew it has cut its memory, or there is none left here"
                            : $"converting {frame.View} failed: the storage is too small, or memory has run out",
                        out report);
            }

            report = reason;
        }
        else
        {
            _converter.Reset(); // its targets miss this frame's damage
        }

        buffer = compositor.Buffers.Get(user, frame.Storage, frame.View, frame.Source, isOpaque: true);
        if (buffer is null)
        {
            return Refuse($"no wl_buffer can hold {frame.View}: it doesn't fit its storage", out report);
        }

        if (!isConverted)
            report = buffer.Report;
        return buffer.State switch
        {
            ImportState.Ready => LoadResult.Ready,
            ImportState.Importing => LoadResult.Wait,
            _ => LoadResult.Refused,
        };
    }

    /// <summary>The window goes.</summary>
    public void Close()
    {
        _converter.Reset();
        _gpuConverter?.Close();
    }

    private static LoadResult Refuse(string reason, out RungReport report)
    {
        report = new RungReport(Rung.None, reason);
        return LoadResult.Refused;
    }

    // Without a sum that could wrap.
    private static bool IsInside(BufferRect rect, BufferSize size) =>
        rect is { X: >= 0, Y: >= 0, Width: > 0, Height: > 0 } && rect.X <= size.Width - rect.Width && rect.Y <= size.Height - rect.Height;

    // Compositors map what they are given: memory that its owner can still cut would get the connection ended, and with it every window.
    private static bool CanBeCut(BufferStorage storage) => storage.Pixels is { IsMapped: false };

    private bool NeedsConversion(in GuestFrame frame) =>
        options.Copy || CanBeCut(frame.Storage) || !compositor.Buffers.Shm.Knows(frame.View) || compositor.Buffers.Shm.Cover(frame.Storage, frame.View, frame.Source).IsEmpty;

    private LoadResult LoadDmabuf(ref GuestFrame frame, out SurfaceBuffer? buffer, out RungReport report)
    {
        _converter.Reset();
        if (_gpuConverter is { } converter && converter.Holds(frame.Serial))
            return LoadConverted(converter, ref frame, out buffer, out report);
        buffer = options.Direct ? compositor.Buffers.Get(user, frame.Storage, frame.View, frame.Source, isOpaque: true) : null;
        report = !options.Direct ? s_notDirect : buffer?.Report ?? new RungReport(Rung.None, $"the compositor can't crop (no wp_viewporter), and the picture is only a part of {frame.View}");
        if (buffer?.State == ImportState.Importing)
            return LoadResult.Wait;
        if (buffer?.State == ImportState.Ready)
        {
            _gpuConverter?.Skip();
            return LoadResult.Ready;
        }

        _direct = report;
        if (_gpuConverter is null && compositor.Gpu is { } gpu)
            _gpuConverter = new GpuConverter(gpu, compositor.Buffers, user, statistics, preferences, changed);
        return _gpuConverter is null ? LoadResult.Refused : LoadConverted(_gpuConverter, ref frame, out buffer, out report);
    }

    private LoadResult LoadConverted(GpuConverter converter, ref GuestFrame frame, out SurfaceBuffer? buffer, out RungReport report)
    {
        switch (converter.Convert(ref frame, out buffer, out var failure))
        {
            case ConversionResult.Wait:
                report = _direct;
                return converter.Holds(frame.Serial) ? LoadResult.Hold : LoadResult.Wait;
            case ConversionResult.Failed:
                report = new RungReport(Rung.None, $"{_direct.Reason}; and it can't be converted: {failure!.Reason}", failure.Remedy.Length > 0 ? failure.Remedy : _direct.Remedy);
                return LoadResult.Refused;
        }

        if (_gpuConversion.Reason != _direct.Reason)
            _gpuConversion = new RungReport(Rung.Convert, _direct.Reason, _direct.Remedy);
        report = _gpuConversion;
        return LoadResult.Ready;
    }

    private RungReport ConversionReason(in GuestFrame frame)
    {
        // A sentence for each format, not for each frame.
        var missing = compositor.Buffers.Shm.Knows(frame.View) ? default : frame.View.Format.Opaque;
        var canBeCut = CanBeCut(frame.Storage);
        if (_conversion.Reason.Length != 0 && missing == _missing && canBeCut == _couldBeCut)
            return _conversion;
        (_missing, _couldBeCut) = (missing, canBeCut);
        if (canBeCut)
            _conversion = new RungReport(Rung.Copy, "the picture's memory isn't sealed against shrinking, so no compositor may map it", "let the program that draws it add F_SEAL_SHRINK");
        else if (missing == default && options.Copy)
            _conversion = new RungReport(Rung.Copy, "this viewer isn't in charge: it copies, and holds up nobody");
        else if (missing == default)
            _conversion = new RungReport(Rung.Copy, "the compositor can't crop (no wp_viewporter): the picture is cut out by the CPU");
        else
            _conversion = new RungReport(Rung.Copy, $"the compositor's wl_shm has no {missing}: converted by the CPU");
        return _conversion;
    }
}
