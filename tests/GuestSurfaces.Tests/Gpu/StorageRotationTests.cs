// SPDX-License-Identifier: MIT
using FsCheck;
using FsCheck.Fluent;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Testing.Gpu;
using Xunit;
using static GuestSurfaces.Virtio.Gpu.VirtioGpuResponse;

namespace GuestSurfaces.Tests.Gpu;

/// <summary>A picture that is being read is never written, and no byte is copied twice.</summary>
public sealed class StorageRotationTests
{
    private const int Width = 32;
    private const int Height = 24;

    [Fact]
    public void A_transfer_while_the_storage_is_read_goes_to_a_spare_and_brings_over_only_what_is_stale()
    {
        using var gpu = new GpuHarness();
        gpu.Show2D(1, 64, 64);
        gpu.Display.Holds = true;
        gpu.Transfer(1, new WireRect(0, 0, 64, 64), 0);
        gpu.Flush(1, new WireRect(0, 0, 64, 64));
        var first = gpu.Display.Last;
        Assert.Equal(16384, gpu.Statistics.BytesCopied);

        gpu.Draw(GpuHarness.Pixels, [1, 2]);
        gpu.Transfer(1, new WireRect(0, 0, 64, 32), 0);
        gpu.Flush(1, new WireRect(0, 0, 64, 32));
        var second = gpu.Display.Last;
        Assert.NotSame(first.Storage, second.Storage);
        Assert.Same(first.View, second.View);
        Assert.Equal(16384 + 8192 + 8192, gpu.Statistics.BytesCopied); // half from the guest, half from the storage before

        // The first is free again: only what the second got meanwhile is stale there.
        RecordingDisplay.Release(first);
        gpu.Transfer(1, new WireRect(0, 0, 64, 16), 0);
        gpu.Flush(1, new WireRect(0, 0, 64, 16));
        Assert.Same(first.Storage, gpu.Display.Last.Storage);
        Assert.Equal(32768 + 4096 + 4096, gpu.Statistics.BytesCopied);
        Assert.Equal(0, gpu.Statistics.TornWrites);
        RecordingDisplay.Release(second);
        RecordingDisplay.Release(gpu.Display.Last);
    }

    [Fact]
    public void A_storage_that_is_used_again_shows_nothing_of_the_resource_before()
    {
        using var gpu = new GpuHarness();
        var whole = new WireRect(0, 0, 64, 64);
        uint[] secret = [.. Enumerable.Repeat(0xDEADBEEFu, 64 * 64)];
        gpu.Draw(GpuHarness.Pixels, secret);
        for (uint id = 1; id <= 20; id++)
        {
            // Never shown, so its storage is kept for the next resource of its size.
            GpuHarness.Require(gpu.Create2D(id, 64, 64));
            GpuHarness.Require(gpu.Attach(id, new GuestPages(GpuHarness.Pixels, 64 * 64 * 4)));
            GpuHarness.Require(gpu.Transfer(id, whole, 0));
            GpuHarness.Require(gpu.Unref(id));
        }

        GpuHarness.Require(gpu.Create2D(100, 64, 64));
        GpuHarness.Require(gpu.SetScanout(0, 100, whole));
        GpuHarness.Require(gpu.Flush(100, whole));
        var pixels = new byte[64 * 64 * 4];
        Assert.True(gpu.Display.Last.Storage.Pixels!.TryRead(0, pixels));
        Assert.All(pixels, b => Assert.Equal(0, b));
    }

    [Fact]
    public void A_fifth_storage_is_not_made_and_the_tear_is_counted()
    {
        using var gpu = new GpuHarness();
        gpu.Show2D(1, 64, 64);
        gpu.Display.Holds = true;
        for (var i = 0; i < 6; i++)
        {
            gpu.Transfer(1, new WireRect(0, 0, 64, 64), 0);
            gpu.Flush(1, new WireRect(0, 0, 64, 64));
        }

        Assert.Equal(4, gpu.Display.Frames.Select(f => f.Storage).Distinct().Count());
        Assert.Equal(2, gpu.Statistics.TornWrites);
        Assert.Equal(4ul * 16384, gpu.Device.HostPixelBytes);
        foreach (var frame in gpu.Display.Frames)
            RecordingDisplay.Release(frame);
    }

    [Fact]
    public void No_spare_is_made_beyond_the_host_memory_of_the_guest()
    {
        using var gpu = new GpuHarness(limits: new GuestSurfaces.Core.Limits { MaxHostPixelBytes = 2 * 16384 });
        gpu.Show2D(1, 64, 64);
        gpu.Display.Holds = true;
        for (var i = 0; i < 3; i++)
        {
            gpu.Transfer(1, new WireRect(0, 0, 64, 64), 0);
            gpu.Flush(1, new WireRect(0, 0, 64, 64));
        }

        Assert.Equal(1, gpu.Statistics.TornWrites);
        foreach (var frame in gpu.Display.Frames)
            RecordingDisplay.Release(frame);
    }

    /// <summary>
    /// Random transfers, flushes and releases beside a model: what is shown equals the model at the flush, and every byte copied was needed.
    /// On a grid of 48 cells, whose regions always fit; any finer, and a region may have to become coarser, which costs bytes but never pixels.
    /// </summary>
    [Theory]
    [InlineData(4, true)]
    [InlineData(1, false)]
    public void Whatever_the_guest_and_the_compositor_do_the_picture_is_right_and_nothing_is_copied_twice(int cell, bool exact)
    {
        var steps = Gen.Choose(0, int.MaxValue).Select(seed => MakeSteps(new Random(seed), cell));
        Prop.ForAll(Arb.From(steps), s => Run(s, exact)).Check(Config.QuickThrowOnFailure.WithMaxTest(150).WithReplay(20261120ul, 7ul));
    }

    private static Step[] MakeSteps(Random random, int cell)
    {
        var steps = new Step[random.Next(1, 60)];
        for (var i = 0; i < steps.Length; i++)
        {
            var x = random.Next(Width / cell);
            var y = random.Next(Height / cell);
            var w = random.Next(3) == 0 ? (Width / cell) - x : random.Next(1, (Width / cell) - x + 1);
            var h = random.Next(1, (Height / cell) - y + 1);
            steps[i] = new Step(random.Next(5), new BufferRect(x * cell, y * cell, w * cell, h * cell), random.Next());
        }

        return steps;
    }

    private static bool Run(Step[] steps, bool exact)
    {
        using var gpu = new GpuHarness();
        gpu.Show2D(1, Width, Height);
        gpu.Display.Holds = true;
        var model = new uint[Width * Height];
        var storages = new StorageModel(Width, Height);
        var held = new List<ShownFrame>();
        uint color = 1;
        foreach (var step in steps)
        {
            var rect = new WireRect((uint)step.Rect.X, (uint)step.Rect.Y, (uint)step.Rect.Width, (uint)step.Rect.Height);
            switch (step.Kind)
            {
                case 0 or 1:
                    color++;
                    for (var y = step.Rect.Y; y < step.Rect.Bottom; y++)
                    {
                        model.AsSpan((y * Width) + step.Rect.X, step.Rect.Width).Fill(color);
                        gpu.Draw(GpuHarness.Pixels + (((ulong)y * Width) + (ulong)step.Rect.X) * 4, model.AsSpan((y * Width) + step.Rect.X, step.Rect.Width));
                    }

                    var before = gpu.Statistics.BytesCopied;
                    if (gpu.Transfer(1, rect, (((ulong)step.Rect.Y * Width) + (ulong)step.Rect.X) * 4) != OkNoData)
                        return false;
                    var copied = gpu.Statistics.BytesCopied - before;
                    Assert.True(copied >= step.Rect.Area * 4);
                    if (exact)
                        Assert.Equal(storages.Write(step.Rect, held.Select(f => f.Storage).ToHashSet()), copied);
                    break;
                case 2 or 3:
                    if (gpu.Flush(1, rect) != OkNoData)
                        return false;
                    Assert.Equal(model, gpu.Display.Last.Pixels);
                    held.Add(gpu.Display.Last);
                    if (exact)
                        storages.Show(gpu.Display.Last.Storage);
                    break;
                default:
                    if (held.Count == 0)
                        break;
                    var at = step.Pick % held.Count;
                    RecordingDisplay.Release(held[at]);
                    held.RemoveAt(at);
                    break;
            }

            // No writes to what is being read: every held frame of a storage that wasn't torn looks as it did.
            if (gpu.Statistics.TornWrites == 0)
            {
                foreach (var frame in held)
                    Assert.Equal(frame.Pixels, RecordingDisplay.ReadPixels(frame.Storage, frame.View, frame.Source));
            }
        }

        foreach (var frame in held)
            RecordingDisplay.Release(frame);
        gpu.Display.Holds = false;
        return true;
    }

    private sealed record Step(int Kind, BufferRect Rect, int Pick);

    /// <summary>What a rotation must cost, pixel by pixel: it knows which storages exist only by their being shown, so it keeps a choice of its own.</summary>
    private sealed class StorageModel(int width, int height)
    {
        private readonly List<Entry> _entries = [];
        private readonly bool[] _ever = new bool[width * height];
        private Entry? _current;

        public void Show(BufferStorage storage)
        {
            _current ??= Add();
            if (_current.Storage is not null)
                Assert.Same(_current.Storage, storage);
            _current.Storage = storage;
        }

        /// <returns>The fewest bytes that do it.</returns>
        public long Write(BufferRect rect, HashSet<BufferStorage> locked)
        {
            _current ??= Add();
            var repaired = 0L;
            if (_current.Storage is { } now && locked.Contains(now))
            {
                Entry? best = null;
                var least = long.MaxValue;
                foreach (var entry in _entries)
                {
                    if (entry.Storage is { } storage && locked.Contains(storage))
                        continue;
                    var cost = entry.StaleOutside(rect, width);
                    if (cost < least)
                        (least, best) = (cost, entry);
                }

                if (best is null && _entries.Count < 4)
                {
                    best = Add();
                    least = best.StaleOutside(rect, width);
                }

                if (best is not null)
                {
                    repaired = least;
                    Array.Clear(best.Stale);
                    _current = best;
                }
            }

            foreach (var entry in _entries)
            {
                if (entry != _current)
                    Mark(entry.Stale, rect);
            }

            Mark(_ever, rect);
            return (repaired + rect.Area) * 4;
        }

        private Entry Add()
        {
            var entry = new Entry((bool[])_ever.Clone());
            _entries.Add(entry);
            return entry;
        }

        private void Mark(bool[] pixels, BufferRect rect)
        {
            for (var y = rect.Y; y < rect.Bottom; y++)
                pixels.AsSpan((y * width) + rect.X, rect.Width).Fill(true);
        }

        private sealed class Entry(bool[] stale)
        {
            public bool[] Stale { get; } = stale;

            public BufferStorage? Storage { get; set; }

            public long StaleOutside(BufferRect rect, int width)
            {
                long count = 0;
                for (var i = 0; i < Stale.Length; i++)
                {
                    if (Stale[i] && !rect.Contains(new BufferRect(i % width, i / width, 1, 1)))
                        count++;
                }

                return count;
            }
        }
    }
}
