// SPDX-License-Identifier: MIT
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Virtio.Gpu;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Benchmarks.Micro;

/// <summary>Parts of the frame path that need no other process, under BenchmarkDotNet: for finding out where time goes, not for judging.</summary>
internal static class MicroBenchmarks
{
    public static int Run(string[] arguments)
    {
        var config = DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance));
        BenchmarkSwitcher.FromTypes([typeof(DamageUnions), typeof(WireMessages), typeof(Transfers)]).Run(arguments.Length == 0 ? ["--filter", "*"] : arguments, config);
        return 0;
    }
}

/// <summary>Damage of frames that supersede each other.</summary>
[MemoryDiagnoser]
public class DamageUnions
{
    private DamageList _damage;

    /// <summary>Sixteen rectangles that don't touch, then a seventeenth.</summary>
    [Benchmark]
    public int Seventeen_rectangles()
    {
        _damage = default;
        for (var i = 0; i < 17; i++)
            _damage.Add(new BufferRect(i * 40, i * 30, 16, 16));
        return _damage.Count;
    }
}

/// <summary>The codec alone.</summary>
[MemoryDiagnoser]
public class WireMessages
{
    private readonly byte[] _buffer = new byte[4096];

    /// <summary>wl_surface.damage_buffer into a buffer, beside the same words written by hand.</summary>
    [Benchmark]
    public int Write_damage()
    {
        var writer = new WireWriter(_buffer, 4, 9);
        writer.WriteInt(1);
        writer.WriteInt(2);
        writer.WriteInt(3);
        writer.WriteInt(4);
        writer.Finish(out var size);
        return size;
    }

    /// <summary>The same words by hand.</summary>
    [Benchmark(Baseline = true)]
    public int Write_words()
    {
        var words = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, uint>(_buffer.AsSpan());
        words[0] = 4;
        words[1] = (24 << 16) | 9;
        words[2] = 1;
        words[3] = 2;
        words[4] = 3;
        words[5] = 4;
        return 24;
    }
}

/// <summary>One command through a real ring and the device, without any process but this one.</summary>
[MemoryDiagnoser]
public class Transfers : IDisposable
{
    private readonly GpuHarness _guest = new();
    private readonly byte[] _body = GpuHarness.Words(0, 0, 64, 64, 0, 0, 1, 0);

    /// <summary>Makes the resource.</summary>
    public Transfers() => _guest.Show2D(1, 256, 256);

    /// <summary>64x64 pixels.</summary>
    [Benchmark]
    public int Transfer_64x64()
    {
        var slot = _guest.Post((uint)VirtioGpuCommandType.TransferToHost2D, _body);
        _guest.Kick();
        return slot;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _guest.Dispose();
        GC.SuppressFinalize(this);
    }
}
