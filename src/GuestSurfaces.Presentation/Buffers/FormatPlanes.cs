// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>One plane of a format: how much of the picture a sample covers, and what it takes.</summary>
/// <param name="Columns">Of the picture, in one sample.</param>
/// <param name="Rows">Likewise.</param>
/// <param name="SampleBytes">Bytes.</param>
internal readonly record struct FormatPlane(int Columns, int Rows, uint SampleBytes)
{
    /// <summary>The least bytes in a row.</summary>
    /// <param name="size">The picture.</param>
    public ulong RowBytes(BufferSize size) => (ulong)CeilingDivide(size.Width, Columns) * SampleBytes;

    /// <summary>How many rows.</summary>
    /// <param name="size">The picture.</param>
    public ulong RowCount(BufferSize size) => (ulong)CeilingDivide(size.Height, Rows);

    private static long CeilingDivide(int value, int by) => ((long)value + by - 1) / by;
}

/// <summary>The planes of the formats that guests, video and cameras draw in. Source: <c>drm_fourcc.h</c>.</summary>
internal static class FormatPlanes
{
    private static readonly Dictionary<DrmFormat, FormatPlane[]> s_planes = MakeTable();

    /// <summary>The planes of a linear picture; empty if the format isn't known here.</summary>
    /// <param name="format">The format.</param>
    public static ReadOnlySpan<FormatPlane> Of(DrmFormat format) => s_planes.TryGetValue(format, out var planes) ? planes : [];

    private static Dictionary<DrmFormat, FormatPlane[]> MakeTable()
    {
        var table = new Dictionary<DrmFormat, FormatPlane[]>();
        Add("XR24 AR24 XB24 AB24 RX24 RA24 BX24 BA24 XR30 AR30 XB30 AB30 XYUV", new FormatPlane(1, 1, 4));
        Add("RG24 BG24", new FormatPlane(1, 1, 3));
        Add("RG16 BG16 XR15 AR15 XR12 AR12 GR88", new FormatPlane(1, 1, 2));
        Add("XR4H AR4H XB4H AB4H XB48 AB48", new FormatPlane(1, 1, 8));
        Add("YUYV UYVY", new FormatPlane(2, 1, 4));
        Add("NV12 NV21", new FormatPlane(1, 1, 1), new FormatPlane(2, 2, 2));
        Add("NV16", new FormatPlane(1, 1, 1), new FormatPlane(2, 1, 2));
        Add("NV24", new FormatPlane(1, 1, 1), new FormatPlane(1, 1, 2));
        Add("P010 P012 P016", new FormatPlane(1, 1, 2), new FormatPlane(2, 2, 4));
        Add("P210", new FormatPlane(1, 1, 2), new FormatPlane(2, 1, 4));
        Add("YU12 YV12", new FormatPlane(1, 1, 1), new FormatPlane(2, 2, 1), new FormatPlane(2, 2, 1));
        Add("YU24", new FormatPlane(1, 1, 1), new FormatPlane(1, 1, 1), new FormatPlane(1, 1, 1));
        return table;

        void Add(string formats, params FormatPlane[] planes)
        {
            foreach (var letters in formats.Split(' '))
                table.Add(DrmFormat.FromLetters(letters), planes);
        }
    }
}
