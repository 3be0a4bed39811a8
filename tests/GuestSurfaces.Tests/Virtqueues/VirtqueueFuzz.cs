// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Fuzzing;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Virtio.Queues;
using Xunit;

namespace GuestSurfaces.Tests.Virtqueues;

/// <summary>
/// Any bytes as a ring. Input: size as a power of two, options (1 indirect, 2 event indices, 4 a file that isn't mapped), the available and the used index to
/// start from, then guest memory from 0: descriptor table, available ring, used ring, and whatever descriptors point at.
/// </summary>
public static class VirtqueueFuzz
{
    private const ulong RamBytes = 32 * 1024;
    private static readonly GuestMemory s_mapped = FakeRam.Memory(RamBytes);
    private static readonly GuestMemory s_unmapped = FakeRam.Memory(RamBytes, FileSeals.None);

    public static void Run(ReadOnlySpan<byte> input)
    {
        if (input.Length < 4)
            return;
        var size = 1 << (input[0] & 7);
        var options = input[1];
        var start = BitConverter.ToUInt16(input[2..]);
        var ram = (options & 4) != 0 ? s_unmapped : s_mapped;
        Assert.True(ram.TryWrite(0, new byte[RamBytes]));
        var content = input[4..];
        Assert.True(ram.TryWrite(0, content[..(int)Math.Min((ulong)content.Length, RamBytes)]));

        var available = 16UL * (ulong)size;
        var used = (available + 6 + (2 * (ulong)size) + 3) & ~3UL;
        var layout = new SplitRingLayout(size, 0, available, used, start, (options & 1) != 0, (options & 2) != 0);
        var interrupt = new CountingInterrupt();
        var queue = SplitVirtqueue.TryOpen(ram, in layout, new Limits { MaxChainDescriptors = 64 }, interrupt, out _);
        if (queue is null)
            return;
        var broken = 0;
        queue.Broken = _ => broken++;
        var buffer = new byte[512];
        var popped = 0;
        for (var batch = 0; batch < 4; batch++)
        {
            queue.DisableKicks();
            var chain = new DescriptorChain();
            while (popped < 256 && queue.TryPop(chain))
            {
                popped++;
                Assert.InRange(chain.DescriptorCount, 1, 64);
                Assert.InRange(queue.InFlight, 1, size);
                var n = (int)Math.Min(chain.ReadableBytes, (ulong)buffer.Length);
                _ = chain.TryRead(chain.ReadableBytes - (ulong)n, buffer.AsSpan(0, n));
                var written = chain.Write(0, buffer);
                Assert.True(written <= chain.WritableBytes);
                if (popped % 3 != 0)
                    queue.Push(chain, written);
            }

            queue.FlushNotifications();
            if (!queue.EnableKicks())
                break;
        }

        Assert.InRange(broken, 0, 1);
        Assert.Equal(queue.BrokenReason is not null, broken == 1);
        Assert.InRange(interrupt.Count, 0, 4);
    }

    private sealed class CountingInterrupt : IQueueInterrupt
    {
        public int Count { get; private set; }

        public void Interrupt() => Count++;
    }
}

/// <summary>Replays and mutates the corpus.</summary>
public sealed class VirtqueueFuzzTests
{
    [Fact]
    public void Corpus_and_its_mutations_break_rings_and_nothing_else() => Assert.InRange(FuzzRun.Run("virtqueue", 4096, VirtqueueFuzz.Run), 10, int.MaxValue);
}
