// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Transports.VhostUser;
using Xunit;

namespace GuestSurfaces.Tests.VhostUser;

/// <summary>The real front-end: QEMU, with the test as its processor (the qtest protocol), so no kernel and no firmware is needed.</summary>
public sealed class QemuTests
{
    // Up to 8.x it takes a vhost-user GPU only together with KVM; not even a virtual processor has to run there.
    private static readonly string s_qemu = Environment.GetEnvironmentVariable("GS_QEMU") ?? "/usr/bin/qemu-system-x86_64";
    private static readonly string s_accelerator = Environment.GetEnvironmentVariable("GS_QEMU_ACCEL") ?? (File.Exists("/dev/kvm") ? "kvm" : "tcg");
    private const ulong FirstMmio = 0xfeb0_0000;
    private const ulong MmioBytes = 0x200;
    private const uint Gpu = 16;

    [Fact]
    public void QEMU_negotiates_shares_its_memory_runs_a_ring_and_goes()
    {
        using var machine = new Machine("-machine", "microvm,memory-backend=m", "-global", "virtio-mmio.force-legacy=false", "-device", "vhost-user-gpu,chardev=c");
        var mmio = FirstMmio;
        while (machine.Read32(mmio + 8) != Gpu)
        {
            mmio += MmioBytes;
            Assert.True(mmio < FirstMmio + (24 * MmioBytes), "no GPU on the bus");
        }

        // What a driver does: acknowledge, features, queues, go.
        machine.Write32(mmio + 0x70, 1 | 2);
        machine.Write32(mmio + 0x24, 1);
        machine.Write32(mmio + 0x20, 1); // VERSION_1
        machine.Write32(mmio + 0x24, 0);
        machine.Write32(mmio + 0x20, 1u << 29); // EVENT_IDX
        machine.Write32(mmio + 0x70, 1 | 2 | 8);
        Assert.Equal(1u | 2 | 8, machine.Read32(mmio + 0x70));
        const ulong ring = 0x200_0000; // far from whatever the idle firmware touches
        for (uint queue = 0; queue < 2; queue++)
        {
            machine.Write32(mmio + 0x30, queue);
            machine.Write32(mmio + 0x38, 16);
            machine.Write32(mmio + 0x80, (uint)ring + (queue * 0x3000));
            machine.Write32(mmio + 0x90, (uint)ring + (queue * 0x3000) + 0x1000);
            machine.Write32(mmio + 0xa0, (uint)ring + (queue * 0x3000) + 0x2000);
            machine.Write32(mmio + 0x44, 1);
        }

        // One request: 8 bytes to read, 8 to write.
        machine.WriteBytes(0x201_0000, "guest-ok"u8);
        machine.WriteBytes(ring, [.. FakeFrontend.U64(0x201_0000), 8, 0, 0, 0, 1, 0, 1, 0, .. FakeFrontend.U64(0x201_0100), 8, 0, 0, 0, 2, 0, 0, 0]);
        machine.WriteBytes(ring + 0x1000, [0, 0, 1, 0, 0, 0]);
        machine.Write32(mmio + 0x70, 1 | 2 | 8 | 4);
        machine.Write32(mmio + 0x50, 0);
        machine.Until(() => machine.Device.Answered == 1, "the request is answered");
        Assert.Equal("guest-ok"u8.ToArray(), machine.ReadBytes(0x201_0100, 8));
        Assert.Equal(new byte[] { 0, 0, 1, 0, 0, 0, 0, 0, 8, 0, 0, 0 }, machine.ReadBytes(ring + 0x2000, 12));
        machine.Until(() => (machine.Read32(mmio + 0x60) & 1) == 1, "the interrupt arrives");
        Assert.True(machine.Device.Host!.Memory.Regions.Count >= 1);
        Assert.All(machine.Device.Host.Memory.Regions, r => Assert.True(r.Bytes.IsMapped));
        Assert.True(machine.GpuSocketCame);

        // The guest resets: rings stop. Since 8.2 QEMU also tells it by RESET_DEVICE.
        machine.Write32(mmio + 0x70, 0);
        machine.Until(() => !machine.Device.IsRunning(0), "the ring stops");
        machine.Quit();
        Assert.InRange(machine.Device.Resets, 1, 3);
        Assert.Empty(machine.Device.Host.Memory.Regions);
        Assert.DoesNotContain(machine.Log.Lines, l => !l.StartsWith("Information", StringComparison.Ordinal));
    }

    [Fact]
    public void QEMU_takes_the_device_as_its_pci_gpu_and_reads_its_configuration()
    {
        using var machine = new Machine("-machine", "q35,memory-backend=m", "-device", "vhost-user-gpu-pci,chardev=c");
        Assert.Equal(0u, machine.Read32(0x200_0000)); // it is up: realised, and its processor answers
        machine.Quit();
        Assert.DoesNotContain(machine.Log.Lines, l => !l.StartsWith("Information", StringComparison.Ordinal));
    }

    private sealed class Machine : IDisposable
    {
        private readonly EventLoop _loop = new();
        private readonly VhostUserServer _server;
        private readonly Process _process;
        private readonly string _path = Path.Combine(Path.GetTempPath(), $"gs-vhost-{Environment.ProcessId}-{Guid.NewGuid():N}.sock");
        private readonly Task<string> _errors;

        public Machine(params string[] arguments)
        {
            Assert.SkipUnless(File.Exists(s_qemu), $"{s_qemu} is not installed");
            _server = VhostUserServer.Listen(_loop, _path, Device, new VhostUserOptions
            {
                Logger = Log,
                OnGpuSocket = socket =>
                {
                    GpuSocketCame = true;
                    socket.Dispose();
                },
            });
            var info = new ProcessStartInfo(s_qemu) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
            foreach (var argument in (string[])
                     [
                         "-accel", s_accelerator, "-qtest", "stdio", "-display", "none", "-nodefaults", "-no-user-config", "-m", "64M",
                         "-object", "memory-backend-memfd,id=m,size=64M,share=on", "-chardev", $"socket,id=c,path={_path}", .. arguments,
                     ])
            {
                info.ArgumentList.Add(argument);
            }

            _process = Process.Start(info)!;
            _errors = _process.StandardError.ReadToEndAsync();
        }

        public StubDevice Device { get; } = new() { DeviceFeatures = 0 };

        public ListLogger Log { get; } = new();

        public bool GpuSocketCame { get; private set; }

        public uint Read32(ulong address) => (uint)ulong.Parse(Command($"readl 0x{address:x}")[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture);

        public void Write32(ulong address, uint value) => Command($"writel 0x{address:x} 0x{value:x}");

        public void WriteBytes(ulong address, ReadOnlySpan<byte> bytes) => Command($"write 0x{address:x} 0x{bytes.Length:x} 0x{Convert.ToHexString(bytes)}");

        public byte[] ReadBytes(ulong address, int length) => Convert.FromHexString(Command($"read 0x{address:x} 0x{length:x}")[2..]);

        public void Until(Func<bool> condition, string what)
        {
            var end = Stopwatch.GetTimestamp() + (20 * Stopwatch.Frequency);
            while (!condition())
            {
                Assert.True(Stopwatch.GetTimestamp() < end, $"waited in vain until {what}: {string.Join('\n', Log.Lines)}");
                _loop.RunOnce(20);
            }
        }

        public void Quit()
        {
            _process.StandardInput.Close(); // QEMU ends with its qtest channel
            _process.Kill();
            Until(() => !_server.IsConnected, "the connection ends");
        }

        public void Dispose()
        {
            if (!_process.HasExited)
                _process.Kill();
            _process.WaitForExit();
            _process.Dispose();
            _server.Dispose();
            _loop.Dispose();
            Assert.False(File.Exists(_path));
        }

        // QEMU's answer may depend on ours: both sides run while we wait.
        private string Command(string text)
        {
            _process.StandardInput.WriteLine(text);
            _process.StandardInput.Flush();
            var line = _process.StandardOutput.ReadLineAsync();
            Until(() => line.IsCompleted, $"QEMU answers \"{text}\"");
            if (line.Result is not { } answer)
            {
                Assert.SkipWhen(_errors.Result.Contains("kvm", StringComparison.OrdinalIgnoreCase), $"this QEMU wants a KVM that isn't here: {_errors.Result}");
                throw new InvalidOperationException($"QEMU ended: {_errors.Result}");
            }

            Assert.StartsWith("OK", answer, StringComparison.Ordinal);
            return answer.Length > 3 ? answer[3..] : "";
        }
    }
}
