// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using Xunit;

namespace GuestSurfaces.Tests.Native;

/// <summary>What needs no dma-buf: files that poll() treats as it does a busy one, and files that are none. The real ones are the lab's.</summary>
public sealed class DmabufTests
{
    [Fact]
    public void A_file_that_poll_calls_unready_has_pending_fences_until_it_is_ready()
    {
        using var counter = EventFdHandle.Create();
        using var busy = counter.Duplicate<DmabufHandle>();
        Assert.False(busy.HasPendingFences());
        Assert.Equal(Errno.None, counter.Fill());
        Assert.True(busy.HasPendingFences());
        Assert.Equal(Errno.None, counter.Drain(out _));
        Assert.False(busy.HasPendingFences());
    }

    [Fact]
    public void What_is_no_dma_buf_has_no_fences_and_says_so_when_asked_for_them()
    {
        using var memory = MemFdHandle.TryCreateSealed("no-dma-buf", 4096, out _)!;
        using var plain = memory.Duplicate<DmabufHandle>();
        using var fence = memory.Duplicate<SyncFileHandle>();
        Assert.False(plain.HasPendingFences());
        Assert.Null(plain.TryExportFences(DmabufAccess.Write, out var errno));
        Assert.Equal(Errno.ENOTTY, errno);
        Assert.Equal(Errno.ENOTTY, plain.ImportFence(fence, DmabufAccess.Read));
        Assert.Equal(Errno.ENOTTY, plain.SyncCpuWrites());
    }
}
