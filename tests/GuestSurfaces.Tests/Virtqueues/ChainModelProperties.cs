// SPDX-License-Identifier: MIT
using FsCheck;
using FsCheck.Fluent;
using GuestSurfaces.Core;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Virtio.Queues;
using Xunit;

namespace GuestSurfaces.Tests.Virtqueues;

/// <summary>Random chains through a real ring give exactly the bytes that a plain byte array gives.</summary>
public sealed class ChainModelProperties
{
    private const ulong RamBytes = 1 << 20;
    private const int DataAt = 0x2_0000;

    private sealed record Shape(int[] Readable, int[] Writable, bool Indirect, int Step, int AnswerBytes, ushort Start);

    [Fact]
    public void Random_chains_round_trip_equals_the_model()
    {
        var lengths = Gen.Choose(0, 300).ArrayOf();
        var shapes =
            from readable in lengths
            from writable in lengths
            from indirect in ArbMap.Default.GeneratorFor<bool>()
            from step in Gen.Choose(1, 97)
            from answer in Gen.Choose(0, 4000)
            from start in Gen.Choose(0, ushort.MaxValue)
            select new Shape(readable[..Math.Min(readable.Length, 14)], writable[..Math.Min(writable.Length, 14)], indirect, step, answer, (ushort)start);
        Prop.ForAll(shapes.ToArbitrary(), shape => RoundTrips(shape)).QuickCheckThrowOnFailure();
    }

    private static bool RoundTrips(Shape shape)
    {
        if (shape.Readable.Length + shape.Writable.Length == 0)
            return true;
        using var ram = FakeRam.Memory(RamBytes);
        var interrupt = new CountingInterrupt();
        var driver = new FakeDriver(ram, 0x1000, 32, eventIndex: true, shape.Start);
        var queue = SplitVirtqueue.TryOpen(ram, driver.Layout(true, shape.Start), new Limits(), interrupt, out _)!;
        var random = new System.Random(shape.Step);

        // Buffers lie anywhere, in any order, with gaps; the model is the concatenation.
        var buffers = new List<DriverBuffer>();
        var request = new List<byte>();
        var at = (ulong)DataAt;
        foreach (var (length, writable) in shape.Readable.Select(l => (l, false)).Concat(shape.Writable.Select(l => (l, true))))
        {
            at += (ulong)random.Next(1, 500);
            var bytes = new byte[length];
            random.NextBytes(bytes);
            if (!ram.TryWrite(at, bytes))
                return false;
            buffers.Add(new DriverBuffer(at, (uint)length, writable));
            if (!writable)
                request.AddRange(bytes);
            at += (ulong)length;
        }

        var head = shape.Indirect ? driver.PostIndirect(0x1_0000, [.. buffers]) : driver.Post([.. buffers]);
        var chain = new DescriptorChain();
        if (!queue.TryPop(chain) || chain.ReadableBytes != (ulong)request.Count || chain.WritableBytes != (ulong)shape.Writable.Sum())
            return false;
        var piece = new byte[shape.Step];
        for (var i = 0; i < request.Count; i += shape.Step)
        {
            var n = Math.Min(shape.Step, request.Count - i);
            if (!chain.TryRead((ulong)i, piece.AsSpan(0, n)) || !piece.AsSpan(0, n).SequenceEqual(request.ToArray().AsSpan(i, n)))
                return false;
        }

        var answer = new byte[shape.AnswerBytes];
        random.NextBytes(answer);
        uint written = 0;
        for (var i = 0; i < answer.Length; i += shape.Step)
            written += chain.Write((ulong)i, answer.AsSpan(i, Math.Min(shape.Step, answer.Length - i)));
        if (written != Math.Min(answer.Length, shape.Writable.Sum()))
            return false;
        queue.Push(chain, written);
        driver.SetUsedEvent(shape.Start);
        queue.FlushNotifications();
        if (!driver.TryTakeUsed(out var taken, out var length2) || taken != head || length2 != written || interrupt.Count != 1)
            return false;

        var place = 0;
        foreach (var buffer in buffers.Where(b => b.Writable))
        {
            var got = new byte[buffer.Length];
            if (!ram.TryRead(buffer.Address, got))
                return false;
            var expected = Math.Min(got.Length, Math.Max(0, answer.Length - place));
            if (!got.AsSpan(0, expected).SequenceEqual(answer.AsSpan(Math.Min(place, answer.Length), expected)))
                return false;
            place += got.Length;
        }

        return true;
    }

    private sealed class CountingInterrupt : IQueueInterrupt
    {
        public int Count { get; private set; }

        public void Interrupt() => Count++;
    }
}
