// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Sync;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Virtio;

namespace GuestSurfaces.Lab;

/// <summary>Whether a real dma-buf tells about its fences what the presenter builds on before it lets a guest draw again.</summary>
internal static class FenceCheck
{
    private const uint Page = 4096;

    private static int s_failed;

    /// <summary>Checks everything, a line each.</summary>
    /// <returns>The exit code: 0 if all is well, 1 if something isn't, 3 without /dev/udmabuf, 4 if all is well as far as it goes without sw_sync.</returns>
    public static int Run()
    {
        using var device = UdmabufHandle.TryOpen(out var errno);
        if (device is null)
        {
            Console.WriteLine($"{UdmabufHandle.DevicePath} can't be opened ({errno})");
            return 3;
        }

        using var ram = FakeRam.Create(4 * Page);
        using var dmabuf = device.TryCreate([new UdmabufItem(ram, 0, 4 * Page)], out errno);
        if (dmabuf is null)
        {
            Console.WriteLine($"FAILED no dma-buf: {errno}");
            return 1;
        }

        CheckIdle(dmabuf);
        using var timeline = SwSyncTimeline.TryOpen(out errno);
        if (timeline is not null)
        {
            CheckBusy(dmabuf, timeline);
            CheckTimelines(timeline);
        }
        else
            Console.WriteLine($"no sw_sync: {SwSyncTimeline.Path} can't be opened ({errno})");
        Console.WriteLine(s_failed == 0 ? "all is well" : $"{s_failed} checks failed");
        return s_failed > 0 ? 1 : timeline is null ? 4 : 0;
    }

    private static void CheckIdle(DmabufHandle dmabuf)
    {
        Check("a dma-buf without fences is ready", !dmabuf.HasPendingFences());
        using var none = dmabuf.TryExportFences(DmabufAccess.Write, out var errno);
        Check($"its fences come as a sync_file ({errno})", none is not null);
        Check("and go back in, signalled as they are", none is not null && dmabuf.ImportFence(none, DmabufAccess.Read) == Errno.None && !dmabuf.HasPendingFences());
        Check("a CPU's writes can be published", dmabuf.SyncCpuWrites() == Errno.None && dmabuf.SyncCpuWrites() == Errno.None);
    }

    private static void CheckBusy(DmabufHandle dmabuf, SwSyncTimeline timeline)
    {
        using var loop = new EventLoop();
        var told = new Told();
        using var watch = loop.Watch(dmabuf, EpollEvents.None, told);
        using (var first = timeline.CreateFence(1))
        using (var second = timeline.CreateFence(2))
        {
            Check("a reader's fence goes in", dmabuf.ImportFence(first, DmabufAccess.Read) == Errno.None);
            Check("and a second one", dmabuf.ImportFence(second, DmabufAccess.Read) == Errno.None);
        }

        Check("a dma-buf that is read isn't ready", dmabuf.HasPendingFences());
        Check("nor is its cache work held up", dmabuf.SyncCpuWrites() == Errno.None);
        watch.Modify(EpollEvents.Out);
        loop.RunOnce(0);
        Check("and epoll doesn't say so", told.Times == 0);
        timeline.Advance();
        loop.RunOnce(0);
        Check("it isn't ready while a second one reads", dmabuf.HasPendingFences());
        timeline.Advance();
        told.Times = 0;
        loop.RunOnce(1000);
        Check("epoll tells when both are done", told.Times == 1 && !dmabuf.HasPendingFences());
        watch.Modify(EpollEvents.None);
        told.Times = 0;
        loop.RunOnce(0);
        Check("and nothing when nobody asks", told.Times == 0);
        using var third = timeline.CreateFence(3);
        Check("the next reader makes it busy again", dmabuf.ImportFence(third, DmabufAccess.Read) == Errno.None && dmabuf.HasPendingFences());
        timeline.Advance();
        Check("until that is done", !dmabuf.HasPendingFences());
    }

    private static void CheckTimelines(SwSyncTimeline fences)
    {
        using var loop = new EventLoop();
        using var device = LoopTimelineDevice.TryOpen(loop, null, out var problem);
        if (device is null)
        {
            Console.WriteLine($"no timelines: {problem}");
            return;
        }

        var told = 0;
        using var timeline = device.TryCreate(() => told++, out var errno);
        Check($"a DRM node makes a timeline ({errno})", timeline is not null);
        if (timeline is null)
            return;
        Check("which is asked about a point without a fence", timeline.Tell(2) == Errno.None);
        Check("and doesn't tell of the one before", timeline.Signal(1) == Errno.None && !loop.RunOnce(0) && told == 0 && timeline.Signalled == 1);
        Check("but of that one", timeline.Signal(2) == Errno.None && loop.RunOnce(1000) && told == 1 && timeline.Signalled == 2);
        Check("and at once of one that is past", timeline.Tell(1) == Errno.None && loop.RunOnce(1000) && told == 2);
        using var fence = fences.CreateFence(4);
        Check("a fence becomes a point", timeline.SignalWith(fence, 3) == Errno.None && timeline.Tell(3) == Errno.None && !loop.RunOnce(0));
        Check("that hasn't signalled before the fence", timeline.Signalled == 2);
        fences.Advance();
        Check("and has with it", loop.RunOnce(1000) && told == 3 && timeline.Signalled == 3);
    }

    private static void Check(string what, bool ok)
    {
        Console.WriteLine(ok ? $"ok     {what}" : $"FAILED {what}");
        s_failed += ok ? 0 : 1;
    }

    private sealed class Told : IFdHandler
    {
        public int Times { get; set; }

        void IFdHandler.OnReady(EpollEvents events) => Times++;
    }
}
