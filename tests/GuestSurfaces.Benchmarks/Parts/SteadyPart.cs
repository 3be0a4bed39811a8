// SPDX-License-Identifier: MIT
using GuestSurfaces.Benchmarks.Peers;
using GuestSurfaces.Benchmarks.Reporting;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Presentation;

namespace GuestSurfaces.Benchmarks.Parts;

/// <summary>
/// What the whole path allocates: guests and compositor are other processes, this one has vhost-user, device, session and presenter. The process's counter of
/// allocated bytes is read before and after, whatever thread they belong to.
/// </summary>
internal static class SteadyPart
{
    private const int WarmUp = 2000;
    private const int Frames = 10_000;
    private const int WestonWarmUp = 400;
    private const int WestonFrames = 900;

    public static PartResult Run()
    {
        var figures = new List<Figure>();
        Measure("a compositor that latches at once", figures, WarmUp, Frames, folder =>
        {
            var path = Path.Combine(folder, "wayland");
            return (ChildProcess.Start(CompositorPeer.Command(path, hz: 0), null, null), path);
        });
        if (WestonHost.TryStart(1024, 768) is { } weston)
        {
            weston.Connect().Dispose();
            Measure("weston, headless", figures, WestonWarmUp, WestonFrames, _ => (weston, weston.Display));
        }

        return new PartResult("steady", "bytes allocated by the whole process, from the guest's kick to wl_surface.commit and back", figures);
    }

    private static void Measure(string name, List<Figure> figures, int warmUp, int frames, Func<string, (IDisposable Compositor, string Display)> start)
    {
        var folder = Directory.CreateTempSubdirectory("gs-bench");
        var (compositor, display) = start(folder.FullName);
        using (compositor)
        {
            Sockets.Await(display);
            using var host = new BackendHost(folder.FullName, guests: 1, heads: 1, display);
            using var guests = ChildProcess.Start(FrontendsPeer.Command(folder.FullName, guests: 1, heads: 1, hz: 0, fenced: true), null, null);
            host.RunFrames(warmUp);
            host.RunFor(500_000_000); // the last tier of compiled code is made in the background
            host.RunFrames(warmUp / 2);
            var presented = host.Presented;
            var collections = GC.CollectionCount(0);
            var bytes = GC.GetTotalAllocatedBytes(precise: true);
            var came = host.RunFrames(frames);
            bytes = GC.GetTotalAllocatedBytes(precise: true) - bytes;
            collections = GC.CollectionCount(0) - collections;
            presented = host.Presented - presented;
            figures.Add(Figure.Plain($"{name}: frames flushed, presented", came, presented, "frames"));
            figures.Add(Figure.Zero($"{name}: allocated per frame", came == 0 ? double.NaN : (double)bytes / came, "bytes"));
            figures.Add(Figure.Zero($"{name}: collections", collections, ""));
        }

        folder.Delete(recursive: true);
    }
}
