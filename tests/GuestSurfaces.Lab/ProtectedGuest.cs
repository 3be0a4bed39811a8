// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Runtime.InteropServices;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation;
using GuestSurfaces.Transports.Udmabuf;
using GuestSurfaces.Transports.VhostUser;
using GuestSurfaces.Virtio.Gpu;
using Microsoft.Extensions.Logging.Abstractions;

namespace GuestSurfaces.Lab;

/// <summary>
/// Proves that nothing of a framebuffer is read or written by this process: its pages are taken away from our own mapping of guest RAM (PROT_NONE) as soon as
/// they are on screen. A copy of any of them ends the process by a signal, which the control (every export declined) shows.
/// </summary>
internal static class ProtectedGuest
{
    /// <summary>Serves one VMM, until it disconnects.</summary>
    /// <param name="socketPath">Where to listen for it.</param>
    /// <param name="display">The compositor's socket.</param>
    /// <param name="declines">The control: exports are declined, so rows are copied out of protected pages.</param>
    /// <param name="fullscreen">How the window asks to be.</param>
    /// <returns>0 if frames were shown, by pages that nobody could touch.</returns>
    public static int Run(string socketPath, string display, bool declines, bool fullscreen)
    {
        var limits = new Limits();
        var statistics = new GuestStatistics();
        using var loop = new EventLoop();
        using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            loop.Stop();
        });
        using var udmabuf = UdmabufExporter.Open(limits);
        var exporter = new ProtectingExporter(udmabuf, declines);
        var session = new Session(loop.Timers, statistics, limits);
        using var presenter = WaylandPresenter.Connect(
            loop, display, session, new PresenterOptions { Title = "protected", Placement = fullscreen ? WindowPlacement.Fullscreen : WindowPlacement.Windows }, statistics, NullLogger.Instance);
        session.Display = presenter;
        var device = new VirtioGpuDevice(session, limits, statistics, new VirtioGpuOptions { Exporter = exporter, KeepsPages = true }, NullLogger.Instance);
        session.Transport = device;
        using var server = VhostUserServer.Listen(loop, socketPath, device, new VhostUserOptions { Limits = limits });
        server.FrontendGone += loop.Stop;
        loop.Run();
        session.CloseWindows();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"SHOWN rung={statistics.Rung.Rung} buffers={exporter.Buffers} bytes={exporter.ProtectedBytes} frames={statistics.FramesReceived} presented={statistics.FramesPresented} copied={statistics.BytesCopied} unprotected={statistics.UnprotectedFlips}"));
        if (statistics.Rung.Reason.Length > 0)
            Console.WriteLine(statistics.Rung.Reason);
        return exporter.ProtectedBytes > 0 && statistics.FramesPresented > 0 && statistics.Rung.Rung == Rung.Direct ? 0 : 1;
    }

    /// <summary>Takes a buffer's pages away from our mapping while the buffer lives.</summary>
    private sealed class ProtectingExporter(IGuestBufferExporter inner, bool declines) : IGuestBufferExporter
    {
        private static readonly RungReport s_control = new(Rung.Copy, "the control copies");

        public int Buffers { get; private set; }

        public ulong ProtectedBytes { get; private set; }

        public BufferStorage? TryExport(GuestMemory memory, BackingList backing, ulong sizeBytes, out RungReport decline)
        {
            BufferStorage? storage = null;
            decline = s_control;
            if (!declines && (storage = inner.TryExport(memory, backing, sizeBytes, out decline)) is null)
                return null;
            var runs = backing.Runs.ToArray();
            Protect(memory, runs, accessible: false);
            Buffers++;
            Console.WriteLine($"PROTECTED {sizeBytes} bytes in {runs.Length} runs");
            storage?.Subscribe(new Ending(() => Protect(memory, runs, accessible: true)));
            return storage;
        }

        // Linux gives framebuffers whole pages, so nothing else of the guest's lies in them; where a run ends inside one, that page stays.
        private void Protect(GuestMemory memory, ScatteredRun[] runs, bool accessible)
        {
            foreach (var run in runs)
            {
                for (ulong done = 0; done < run.LengthBytes;)
                {
                    if (memory.Find(run.Address + done) is not { } region)
                        return; // the VMM took it away
                    var within = run.Address + done - region.GuestAddress;
                    var bytes = Math.Min(run.LengthBytes - done, region.SizeBytes - within);
                    var errno = region.Bytes.Protect(within, bytes, accessible);
                    if (errno != Errno.None)
                        throw new InvalidOperationException($"mprotect of {bytes} bytes failed: {errno}");
                    ProtectedBytes += accessible ? 0 : bytes;
                    done += bytes;
                }
            }
        }

        private sealed class Ending(Action action) : IBufferConsumer
        {
            public void OnClosed(BufferStorage storage) => action();
        }
    }
}
