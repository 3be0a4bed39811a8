// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;
using Xunit;

namespace GuestSurfaces.Tests.Foundations;

public sealed class BufferStorageTests : IBufferProducer, IBufferConsumer, IBufferWatcher
{
    private int _unlocked;
    private int _closed;
    private int _free;
    private bool _showsAgain;

    [Fact]
    public void A_storage_closes_when_it_is_dropped_and_then_unlocked()
    {
        var storage = Allocate();
        storage.Lock();
        storage.Lock();
        storage.Drop();
        storage.Drop();
        storage.Unlock();
        Assert.False(storage.IsClosed);
        Assert.Equal(0, _closed);
        storage.Unlock();
        Assert.True(storage.IsClosed && storage.Plane(0).IsClosed);
        Assert.Equal((1, 0), (_closed, _unlocked)); // a producer that gave it up doesn't want to know
    }

    [Fact]
    public void A_storage_closes_when_it_is_unlocked_and_then_dropped()
    {
        var storage = Allocate();
        storage.Lock();
        storage.Unlock();
        Assert.Equal((0, 1), (_closed, _unlocked));
        Assert.False(storage.IsClosed);
        storage.Drop();
        Assert.True(storage.IsClosed);
        Assert.Equal(1, _closed);
        Assert.Throws<ObjectDisposedException>(storage.Lock);
        Assert.Throws<InvalidOperationException>(storage.Unlock);
        Assert.Equal(0ul, storage.Pixels!.LengthBytes);
    }

    [Fact]
    public void The_producer_hears_of_the_last_unlock_only()
    {
        var storage = Allocate();
        storage.Lock();
        storage.Lock();
        storage.Unlock();
        Assert.Equal(0, _unlocked);
        storage.Unlock();
        Assert.Equal(1, _unlocked);
        storage.Drop();
    }

    [Fact]
    public void A_consumer_that_stopped_asking_is_not_told()
    {
        var storage = Allocate();
        storage.Subscribe(this); // twice counts once
        storage.Unsubscribe(this);
        storage.Drop();
        Assert.Equal(0, _closed);
    }

    [Fact]
    public void A_storage_of_our_own_is_sealed_and_black()
    {
        var storage = Allocate();
        Assert.False(storage.IsDmabuf);
        Assert.Equal((4096ul, 1), (storage.SizeBytes, storage.PlaneCount));
        var seals = Assert.IsType<MemFdHandle>(storage.Plane(0)).GetSeals();
        Assert.True(seals.HasFlag(FileSeals.Shrink));
        var bytes = new byte[4096];
        Assert.True(storage.Pixels!.TryRead(0, bytes));
        Assert.Equal(-1, bytes.AsSpan().IndexOfAnyExcept((byte)0));
        storage.Drop();
    }

    [Fact]
    public void A_watcher_hears_of_the_last_unlock_once_for_each_time_it_asked()
    {
        var storage = Allocate();
        storage.Lock();
        storage.Watch(this);
        storage.Watch(this);
        storage.Lock();
        storage.Unlock();
        Assert.Equal(0, _free);
        storage.Unlock();
        Assert.Equal((1, 1), (_unlocked, _free));
        storage.Lock();
        storage.Unlock();
        Assert.Equal((2, 1), (_unlocked, _free));
        storage.Drop();
    }

    [Fact]
    public void A_watcher_hears_of_a_dropped_storage_when_it_is_closed()
    {
        var storage = Allocate();
        storage.Lock();
        storage.Watch(this);
        storage.Drop();
        Assert.Equal(0, _free);
        storage.Unlock();
        Assert.Equal((1, 1), (_closed, _free));
    }

    [Fact]
    public void A_storage_that_its_producer_shows_again_at_once_was_never_free()
    {
        var storage = Allocate();
        storage.Lock();
        storage.Watch(this);
        _showsAgain = true;
        storage.Unlock();
        Assert.Equal(0, _free);
        storage.Unlock();
        Assert.Equal(1, _free);
        storage.Drop();
    }

    void IBufferProducer.OnUnlocked(BufferStorage storage)
    {
        _unlocked++;
        if (!_showsAgain)
            return;
        _showsAgain = false;
        storage.Lock();
        storage.Watch(this);
    }

    void IBufferWatcher.OnFree(BufferStorage storage)
    {
        Assert.Equal(0, storage.LockCount);
        _free++;
    }

    void IBufferConsumer.OnClosed(BufferStorage storage) => _closed++;

    private BufferStorage Allocate()
    {
        var storage = BufferStorage.TryAllocate("guest-surfaces-test", 4096, this, out var errno);
        Assert.Equal(Errno.None, errno);
        storage!.Subscribe(this);
        return storage;
    }
}
