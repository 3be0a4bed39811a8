// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Presentation.Conversion;

/// <summary>One plane of a picture as the GPU reads it: an image of its own.</summary>
/// <param name="Format">Of that image.</param>
/// <param name="PixelBytes">In memory.</param>
/// <param name="Subsampling">How many of the picture's pixels one of its pixels stands for, in each direction.</param>
internal readonly record struct SampledPlane(DrmFormat Format, uint PixelBytes, int Subsampling);

/// <summary>
/// How the GPU reads a format: images of simple formats, which every driver has, and a matrix from what they hold to red, green and blue. Two thirds of the
/// formats here are unknown to many drivers, and what others make of video depends on the driver; a matrix of our own doesn't.
/// </summary>
internal sealed class Sampling
{
    private static readonly float[] s_asItIs = Columns([1, 0, 0], [0, 1, 0], [0, 0, 1], []);

    // The bytes are read as R G B A, whatever they mean.
    private static readonly float[] s_lastThreeBackwards = Columns([], [0, 0, 1], [0, 1, 0], [1, 0, 0]);
    private static readonly float[] s_lastThree = Columns([], [1, 0, 0], [0, 1, 0], [0, 0, 1]);

    private static readonly Dictionary<DrmFormat, Sampling> s_known = MakeTable();

    private readonly float[] _matrix;
    private readonly float[] _hdMatrix;

    private Sampling(SampledPlane[] planes, float[] matrix, float[]? hdMatrix = null)
    {
        Planes = planes;
        _matrix = matrix;
        _hdMatrix = hdMatrix ?? matrix;
    }

    /// <summary>One plane of three colours, or one of luma and one of both chromas.</summary>
    public SampledPlane[] Planes { get; }

    /// <summary>What can be read of a format; null if nothing is known of it.</summary>
    /// <param name="format">The format. Its alpha is never read: a screen is opaque.</param>
    public static Sampling? Of(DrmFormat format) => s_known.GetValueOrDefault(format.Opaque);

    /// <summary>
    /// From (red, green, blue, alpha), or (luma, chroma blue, chroma red, 1), to red, green and blue; sixteen numbers by columns. Video that doesn't say has
    /// limited range and, as players take it, the colours of BT.709 from 720 lines on, of BT.601 below.
    /// </summary>
    /// <param name="lines">The picture's height.</param>
    public ReadOnlySpan<float> Matrix(int lines) => lines >= 720 ? _hdMatrix : _matrix;

    /// <summary>
    /// Why a picture can't be read safely: drivers trust the numbers that they are given, and a row beyond the buffer's end kills the process.
    /// </summary>
    /// <param name="storage">A dma-buf.</param>
    /// <param name="view">As the guest describes it.</param>
    /// <param name="maxSide">The longest side, in pixels.</param>
    public static GpuFailure? Refusal(BufferStorage storage, BufferView view, int maxSide)
    {
        if (Of(view.Format) is not { } sampling)
            return new GpuFailure($"{view.Format} can't be converted");
        if (view.Size.Width <= 0 || view.Size.Height <= 0 || view.Size.Width > maxSide || view.Size.Height > maxSide)
            return new GpuFailure($"{view.Size} isn't between 1 and {maxSide} pixels wide and high");
        if (view.Modifier != DrmModifier.Linear && sampling.Planes.Length > 1)
            return new GpuFailure($"{view.Format} is converted with rows one after the other only, not with layout {view.Modifier}");
        if (view.Modifier == DrmModifier.Linear && view.PlaneCount != sampling.Planes.Length)
            return new GpuFailure($"{view.Format} has {sampling.Planes.Length} planes, not {view.PlaneCount}");
        for (var i = 0; i < view.PlaneCount; i++)
        {
            var plane = view.Plane(i);
            if (plane.StoragePlane < 0 || plane.StoragePlane >= storage.PlaneCount || plane.StrideBytes > int.MaxValue || plane.OffsetBytes > int.MaxValue)
                return new GpuFailure($"the dma-buf is smaller than its picture ({view})");

            // How long a tiled plane is, its driver knows and checks against the dma-buf.
            var needed = (ulong)plane.OffsetBytes + 1;
            if (view.Modifier == DrmModifier.Linear)
            {
                var size = sampling.SizeOf(i, view.Size);
                if (plane.StrideBytes < (ulong)size.Width * sampling.Planes[i].PixelBytes)
                    return new GpuFailure($"the rows of plane {i} overlap ({view})");
                needed = plane.OffsetBytes + ((ulong)plane.StrideBytes * (ulong)size.Height);
            }

            if (needed > storage.Plane(plane.StoragePlane).GetSizeBytes())
                return new GpuFailure($"the dma-buf is smaller than its picture ({view})");
        }

        return null;
    }

    /// <summary>How large one plane's image is.</summary>
    /// <param name="plane">Below the count.</param>
    /// <param name="picture">Its picture.</param>
    public BufferSize SizeOf(int plane, BufferSize picture)
    {
        var by = Planes[plane].Subsampling;
        return new BufferSize((picture.Width + by - 1) / by, (picture.Height + by - 1) / by);
    }

    private static Dictionary<DrmFormat, Sampling> MakeTable()
    {
        var bytes = new SampledPlane(DrmFormat.Abgr8888, 4, 1);
        SampledPlane[] eightBits = [new(DrmFormat.FromLetters("R8  "), 1, 1), new(DrmFormat.FromLetters("GR88"), 2, 2)];
        SampledPlane[] sixteenBits = [new(DrmFormat.FromLetters("R16 "), 2, 1), new(DrmFormat.FromLetters("GR32"), 4, 2)];
        return new Dictionary<DrmFormat, Sampling>
        {
            [DrmFormat.Xrgb8888] = new([new(DrmFormat.Xrgb8888, 4, 1)], s_asItIs),
            [DrmFormat.Xbgr8888] = new([new(DrmFormat.Xbgr8888, 4, 1)], s_asItIs),
            [DrmFormat.Rgbx8888] = new([bytes], s_lastThreeBackwards),
            [DrmFormat.Bgrx8888] = new([bytes], s_lastThree),
            [DrmFormat.FromLetters("NV12")] = new(eightBits, Bt601(8, 255), Bt709(8, 255)),

            // Ten bits, in the upper ones of sixteen.
            [DrmFormat.FromLetters("P010")] = new(sixteenBits, Bt601(10, 65535 / 64.0), Bt709(10, 65535 / 64.0)),
        };
    }

    private static float[] Bt601(int bits, double most) => Video(bits, most, 0.299, 0.114);

    private static float[] Bt709(int bits, double most) => Video(bits, most, 0.2126, 0.0722);

    /// <summary>Source: BT.709 and BT.601, limited range: luma from 16 to 235, chroma from 16 to 240, of 256.</summary>
    private static float[] Video(int bits, double most, double red, double blue)
    {
        var unit = 1 << (bits - 8);
        var luma = most / (219 * unit);
        var chroma = most / (224 * unit);
        var green = 1 - red - blue;
        var redByRed = 2 * (1 - red);
        var blueByBlue = 2 * (1 - blue);
        var greenByBlue = -blue * blueByBlue / green;
        var greenByRed = -red * redByRed / green;
        var black = -16.0 / 219;
        var grey = -128.0 / 224;
        return Columns(
            [luma, luma, luma],
            [0, greenByBlue * chroma, blueByBlue * chroma],
            [redByRed * chroma, greenByRed * chroma, 0],
            [black + (redByRed * grey), black + ((greenByBlue + greenByRed) * grey), black + (blueByBlue * grey)]);
    }

    private static float[] Columns(ReadOnlySpan<double> first, ReadOnlySpan<double> second, ReadOnlySpan<double> third, ReadOnlySpan<double> fourth)
    {
        var columns = new float[16];
        Put(first, 0);
        Put(second, 4);
        Put(third, 8);
        Put(fourth, 12);
        return columns;

        void Put(ReadOnlySpan<double> column, int at)
        {
            for (var i = 0; i < column.Length; i++)
                columns[at + i] = (float)column[i];
        }
    }
}
