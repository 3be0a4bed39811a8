// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>
/// Draws requests, most of them valid in the present state of the model, some just beside it, a few nonsense. The same seed draws
/// the same requests from every back-end that answers alike.
/// </summary>
/// <param name="seed">Which sequence.</param>
/// <param name="model">What exists.</param>
/// <param name="memory">The guest's RAM.</param>
/// <param name="tame">
/// Keeps to what QEMU's helper shows rightly: plain formats, scanouts that start at their resource's origin, no transfer of the top rows alone.
/// </param>
/// <param name="scanouts">How many scanouts every back-end of the comparison has; two are used at most.</param>
public sealed class RandomScript(int seed, ReferenceDevice model, GuestMemory memory, bool tame, uint scanouts)
{
    private const uint Ids = 7;
    private const ulong PlaygroundBytes = 16 * 1024 * 1024;

    private static readonly uint[] s_sides = [1, 2, 15, 16, 17, 33, 64, 100, 128];
    private static readonly uint[] s_badFormats = [0, 5, 66, 200, uint.MaxValue];
    private static readonly uint[] s_extremes = [0, 1, 0x7fff_ffff, 0x8000_0000, uint.MaxValue];

    private readonly System.Random _random = new(seed);

    /// <summary>The next request, and how it is to be cut.</summary>
    public (byte[] Request, DescriptorLayout Layout) Next()
    {
        var request = Draw();
        if (Chance(5))
            Request.Fenced(request, (ulong)_random.NextInt64());
        // An indirect descriptor after direct ones is a case of its own: layout/.
        var layouts = DescriptorLayout.All.Where(l => l.Direct <= 0).ToArray();
        return (request, layouts[_random.Next(layouts.Length)]);
    }

    private byte[] Draw() => _random.Next(100) switch
    {
        < 12 => Create(),
        < 26 => Attach(),
        < 30 => Request.Detach(Id()),
        < 52 => Transfer(),
        < 64 => SetScanout(),
        < 88 => Flush(),
        < 92 => Request.Unref(Id()),
        < 95 => Request.GetDisplayInfo(),
        < 97 => Request.GetEdid((uint)_random.Next(20)),
        _ => Request.Bare((GpuCommand)_random.Next(0x10f, 0x400), 64 + _random.Next(64)),
    };

    private bool Chance(int oneIn) => _random.Next(oneIn) == 0;

    private T Pick<T>(T[] from) => from[_random.Next(from.Length)];

    /// <summary>Mostly one that exists.</summary>
    private uint Id()
    {
        if (!Chance(12) && model.Resources.Count > 0)
            return model.Resources.Keys.Order().ElementAt(_random.Next(model.Resources.Count));
        return (uint)_random.Next((int)Ids + 1);
    }

    private byte[] Create()
    {
        var format = Chance(15) ? Pick(s_badFormats) : tame ? (uint)_random.Next(1, 3) : (uint)PixelFormats.All[_random.Next(PixelFormats.All.Count)];
        return Request.Create2D((uint)_random.Next((int)Ids + 1), (GpuFormat)format, Pick(s_sides), Pick(s_sides));
    }

    /// <summary>Always enough backing: less is a case of its own, and aborts QEMU's helper.</summary>
    private byte[] Attach()
    {
        var id = Id();
        var left = model.Resources.TryGetValue(id, out var resource) ? resource.Width * resource.Height * 4 : 4096;
        var entries = new List<GpuMemoryEntry>();
        while (left > 0)
        {
            var length = entries.Count >= 6 ? left : Math.Min(left, (uint)_random.Next(1, 20_000));
            entries.Add(new GpuMemoryEntry(CaseContext.Playground + (ulong)_random.NextInt64((long)(PlaygroundBytes - length)), length));
            left -= length;
        }

        if (Chance(12))
            entries[_random.Next(entries.Count)] = new GpuMemoryEntry(0xc000_0000 + (ulong)_random.Next(), 4096);
        foreach (var entry in entries)
            Scribble(entry);
        return Request.Attach(id, [.. entries]);
    }

    /// <summary>Draws something, so that transfers have something to carry.</summary>
    private void Scribble(GpuMemoryEntry entry)
    {
        if (entry.Address >= 0xc000_0000)
            return;
        var bytes = new byte[Math.Min(entry.LengthBytes, 4096)];
        _random.NextBytes(bytes);
        memory.Write(entry.Address, bytes);
    }

    private byte[] Transfer()
    {
        var id = Id();
        var rect = Rect(id);
        model.Resources.TryGetValue(id, out var resource);
        if (resource?.Backing is { } backing && Chance(2))
            Scribble(backing[_random.Next(backing.Length)]);
        if (tame && resource != null && rect is { X: 0, Y: 0 } && rect.Width == resource.Width)
            rect = rect with { Height = resource.Height };
        var offset = resource == null ? 0 : (rect.Y * (ulong)resource.Width * 4) + (rect.X * 4UL);
        return Request.Transfer(id, rect, offset);
    }

    private byte[] SetScanout()
    {
        var id = Chance(8) ? 0 : Id();
        var rect = Rect(id);
        if (tame)
            rect = rect with { X = 0, Y = 0 };
        else if (Chance(2) && model.Resources.TryGetValue(id, out var resource))
            rect = GpuRect.Of(resource.Width, resource.Height);
        return Request.SetScanout(Chance(15) ? (uint)_random.Next(16, 40) : (uint)_random.Next((int)Math.Min(2, scanouts)), id, rect);
    }

    private byte[] Flush()
    {
        var id = Id();
        return Request.Flush(id, Chance(3) && model.Resources.TryGetValue(id, out var resource) ? GpuRect.Of(resource.Width, resource.Height) : Rect(id));
    }

    /// <summary>Mostly inside the resource and never empty: empty ones are cases of their own.</summary>
    private GpuRect Rect(uint id)
    {
        if (Chance(20))
            return new GpuRect(Pick(s_extremes), Pick(s_extremes), Pick(s_extremes) | 1, Pick(s_extremes) | 1);
        if (!model.Resources.TryGetValue(id, out var resource))
            return GpuRect.Of(16, 16);
        if (Chance(4))
            return GpuRect.Of(resource.Width, resource.Height);
        var (x, y) = ((uint)_random.Next((int)resource.Width), (uint)_random.Next((int)resource.Height));
        var beyond = Chance(15) ? 3 : 0;
        return new GpuRect(x, y, (uint)_random.Next(1, (int)(resource.Width - x) + 1 + beyond), (uint)_random.Next(1, (int)(resource.Height - y) + 1 + beyond));
    }
}
