// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Benchmarks.Peers;

/// <summary>
/// The guests of a measurement, in a process of their own: scripted front-ends that draw, transfer and flush a part of every head, for ever. Killed when
/// enough was measured.
/// </summary>
internal static class FrontendsPeer
{
    private const uint Side = 512;
    private const uint DamageSide = 128;

    /// <summary>The command line of this role.</summary>
    /// <param name="folder">Where the back-ends listen: "0", "1", ….</param>
    /// <param name="guests">How many.</param>
    /// <param name="heads">Scanouts of each.</param>
    /// <param name="hz">Frames a second on each head; 0: as fast as they are answered.</param>
    /// <param name="fenced">Whether flushes are answered only when shown.</param>
    public static string[] Command(string folder, int guests, int heads, int hz, bool fenced) =>
        ["dotnet", Measuring.Places.Self, "frontends", folder, Text(guests), Text(heads), Text(hz), fenced ? "fenced" : "plain"];

    public static int Run(string[] arguments)
    {
        var folder = arguments[0];
        var hz = Number(arguments[3]);
        var isFenced = arguments[4] == "fenced";
        var guests = new Guest[Number(arguments[1])];
        for (var i = 0; i < guests.Length; i++)
            guests[i] = new Guest(Path.Combine(folder, Text(i)), Number(arguments[2]), isFenced);
        using var timer = TimerFdHandle.Create();
        using var epoll = EpollHandle.Create();
        epoll.Add(timer, EpollEvents.In, 0);
        Span<EpollResult> results = stackalloc EpollResult[1];
        for (var due = KernelClock.NowNs(); ;)
        {
            try
            {
                foreach (var guest in guests)
                    guest.DrawFrames();
            }
            catch (BackendGoneException)
            {
                return 0; // enough was measured
            }

            if (hz == 0)
                continue;
            due = Math.Max(due + (1_000_000_000 / hz), KernelClock.NowNs()); // late frames aren't made up for
            timer.Arm(due);
            epoll.Wait(results, 1000);
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private sealed class Guest
    {
        private const int RamBytes = 64 << 20;

        private readonly ScriptedFrontend _vmm;
        private readonly GuestDriver _driver;
        private readonly int _heads;
        private readonly bool _isFenced;
        private readonly ulong[] _pixels;
        private readonly byte[] _request = new byte[GpuCommands.LongestFixedBytes];
        private readonly byte[] _response = new byte[GpuHeader.SizeBytes];
        private readonly byte[] _row = new byte[DamageSide * 4];
        private uint _frame;

        public Guest(string path, int heads, bool isFenced)
        {
            _heads = heads;
            _isFenced = isFenced;
            var memory = new GuestMemoryOptions { Regions = [new(0, RamBytes, 0, GuestMemoryOptions.UserBase)] };
            var socket = BackendLauncher.ConnectPatiently(path, 20_000, ms =>
            {
                Thread.Sleep(ms);
                return false;
            });
            _vmm = new ScriptedFrontend(socket, new FrontendOptions { Order = HandshakeOrder.Crosvm, Display = null, Memory = memory, TimeoutMs = 20_000 });
            _driver = _vmm.Boot();
            _pixels = new ulong[heads];
            for (uint head = 0; head < heads; head++)
            {
                _pixels[head] = _vmm.Memory.Allocate(Side * Side * 4);
                Require(_driver.Send(_request.AsSpan(0, GpuCommands.ResourceCreate2D(_request, head + 1, (uint)GpuFormat.B8G8R8X8, Side, Side))));
                Require(_driver.Send(_request.AsSpan(0, GpuCommands.ResourceAttachBacking(_request, head + 1, [new(_pixels[head], Side * Side * 4)]))));
                Require(_driver.Send(_request.AsSpan(0, GpuCommands.SetScanout(_request, head, head + 1, GpuRect.Of(Side, Side)))));
            }
        }

        /// <summary>One frame on each head.</summary>
        public void DrawFrames()
        {
            _frame++;
            for (uint head = 0; head < _heads; head++)
            {
                var rect = new GpuRect(_frame * 16 % (Side - DamageSide), _frame * 48 % (Side - DamageSide), DamageSide, DamageSide);
                var offset = ((rect.Y * Side) + rect.X) * 4;
                _row.AsSpan().Fill((byte)_frame);
                for (uint y = 0; y < DamageSide; y++)
                    _vmm.Memory.Write(_pixels[head] + offset + (y * Side * 4), _row);
                Submit(GpuCommands.TransferToHost2D(_request, head + 1, rect, offset));
                var length = GpuCommands.ResourceFlush(_request, head + 1, rect);
                if (_isFenced)
                    GpuCommands.SetFence(_request, _frame);
                Submit(length);
            }
        }

        private void Submit(int length)
        {
            _driver.SubmitAndWait(_request.AsSpan(0, length), _response);
            Require(GpuCommands.ReadHeader(_response));
        }

        private static void Require(GpuHeader answer)
        {
            if (answer.Response != GpuResponse.OkNoData)
                throw new InvalidOperationException($"the back-end answered {answer}");
        }
    }
}
