// SPDX-License-Identifier: MIT
using System.Diagnostics;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Link;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Presentation;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GuestSurfaces.Tests.Link;

/// <summary>Real loops, real paths, and a source in another language.</summary>
[Collection(Alone.Name)]
public sealed class ListenerTests
{
    [Fact]
    public void Viewers_connect_by_a_path_that_only_its_owner_may_open()
    {
        using var leaks = new FdLeakCheck();
        using var folder = new TemporaryFolder();
        using var loop = new EventLoop();
        var events = new RecordedEvents();
        var path = Path.Combine(folder.Path, "vm.link");
        using var hub = new LinkHub(loop, events, "Fedora", new GuestStatistics(), NullLogger.Instance);
        using (var listener = LinkListener.Open(loop, hub, path, LinkListener.OwnerOnly, NullLogger.Instance))
        {
            Assert.Equal(LinkListener.OwnerOnly, File.GetUnixFileMode(path));
            using var viewer = new LinkViewer(loop, new LinkViewerOptions(), new GuestStatistics(), NullLogger.Instance);
            var display = new HoldingDisplay(viewer);
            viewer.Display = display;
            viewer.Connect(path);
            using var picture = new TestPicture(8, 4);
            picture.Storage.Lock();
            hub.Present(0, new() { Storage = picture.Storage, View = picture.View, Source = picture.Whole, Serial = 1 });
            RunUntil(loop, () => display.Presented == 1);
            display.Latch();
            RunUntil(loop, () => events.Latched.Count == 1);
            viewer.Dispose();
            display.ReleaseAll();
            RunUntil(loop, () => hub.ViewerCount == 0);
            hub.Dispose();
            Assert.Equal(0, picture.Storage.LockCount);
        }

        Assert.False(File.Exists(path));
    }

    [Fact]
    public void A_c_program_shows_its_pictures_through_the_link()
    {
        const int frames = 40;
        using var folder = new TemporaryFolder();
        var program = Path.Combine(folder.Path, "link-source");
        using (var gcc = Process.Start("gcc", ["-O2", "-Wall", "-Wextra", "-Werror", "-o", program, Repository.Path("docs/examples/link-source.c")]))
        {
            gcc.WaitForExit();
            Assert.Equal(0, gcc.ExitCode);
        }

        using var loop = new EventLoop();
        var path = Path.Combine(folder.Path, "pictures.link");
        using var listener = UnixSocketHandle.Listen(path, SocketKind.Packets, LinkListener.OwnerOnly);
        using var source = ChildProcess.Start([program, path, $"{frames}"], null, null);
        using var viewer = new LinkViewer(loop, new LinkViewerOptions(), new GuestStatistics(), NullLogger.Instance);
        var display = new HoldingDisplay(viewer);
        var losses = new List<string?>();
        viewer.Display = display;
        viewer.Lost = losses.Add;
        UnixSocketHandle? socket = null;
        RunUntil(loop, () => (socket ??= listener.TryAccept(out _)) is not null);
        viewer.Open(socket!);
        for (var i = 0; i < frames; i++)
        {
            RunUntil(loop, () => display.Presented == i + 1);
            var frame = display.Last;
            var bar = i % (640 / 16);
            Assert.Equal(0xff_ffffu, HoldingDisplay.Pixel(in frame, (bar * 16) + 15, 0));
            Assert.Equal(180u * 255 / 360, HoldingDisplay.Pixel(in frame, ((bar * 16) + 16) % 640, 180));
            Assert.Equal("bar in C", viewer.SourceName);
            display.Latch(timeNs: MonotonicClock.Instance.NowNs);
            display.ReleaseOld();
        }

        display.ReleaseAll();
        RunUntil(loop, () => losses.Count > 0);
        Assert.Null(losses[0]);
        Assert.True(source.WaitForExit(10_000));
        Assert.Equal(0, source.ExitCode);
    }

    private static void RunUntil(EventLoop loop, Func<bool> isDone)
    {
        for (var start = Stopwatch.GetTimestamp(); !isDone();)
        {
            Assert.True(Stopwatch.GetElapsedTime(start).TotalSeconds < 20, "it doesn't come");
            loop.RunOnce(10);
        }
    }

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("gs-link").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
