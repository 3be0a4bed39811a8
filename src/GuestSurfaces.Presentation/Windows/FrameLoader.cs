// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Presentation.Connection;

namespace GuestSurfaces.Presentation.Windows;

/// <summary>What became of loading a frame.</summary>
internal enum LoadResult
{
    /// <summary>It can be attached.</summary>
    Ready,

    /// <summary>The user of the buffer is told when it's worth trying again.</summary>
    Wait,

    /// <summary>This compositor can't show it.</summary>
    Refused,
}

/// <summary>Climbs down the ladder for one window: finds the wl_buffer of a frame, or converts the frame into one that has a wl_buffer.</summary>
internal sealed class FrameLoader(Compositor compositor, ISurfaceBufferUser user, GuestStatistics statistics)
{
    private readonly CpuConverter _converter = new(statistics);
    private RungReport _conversion = new(Rung.Copy, string.Empty);
    private DrmFormat _missing;

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
                    return Refuse($"converting {frame.View} failed: the storage is too small, or memory has run out", out report);
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
            return Refuse(
                frame.Storage.IsDmabuf
                    ? $"the compositor can't crop (no wp_viewporter), and the picture is only a part of {frame.View}"
                    : $"no wl_buffer can hold {frame.View}: it doesn't fit its storage",
                out report);
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
    public void Close() => _converter.Reset();

    private static LoadResult Refuse(string reason, out RungReport report)
    {
        report = new RungReport(Rung.None, reason);
        return LoadResult.Refused;
    }

    // Without a sum that could wrap.
    private static bool IsInside(BufferRect rect, BufferSize size) =>
        rect is { X: >= 0, Y: >= 0, Width: > 0, Height: > 0 } && rect.X <= size.Width - rect.Width && rect.Y <= size.Height - rect.Height;

    private bool NeedsConversion(in GuestFrame frame) =>
        !frame.Storage.IsDmabuf
        && (!compositor.Buffers.Shm.Knows(frame.View) || compositor.Buffers.Shm.Cover(frame.Storage, frame.View, frame.Source).IsEmpty);

    private RungReport ConversionReason(in GuestFrame frame)
    {
        // A sentence for each format, not for each frame.
        var missing = compositor.Buffers.Shm.Knows(frame.View) ? default : frame.View.Format.Opaque;
        if (_conversion.Reason.Length != 0 && missing == _missing)
            return _conversion;
        _missing = missing;
        _conversion = new RungReport(
            Rung.Copy,
            missing == default
                ? "the compositor can't crop (no wp_viewporter): the picture is cut out by the CPU"
                : $"the compositor's wl_shm has no {missing}: converted by the CPU");
        return _conversion;
    }
}
