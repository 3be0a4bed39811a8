// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Testing.VhostUser;

/// <summary>
/// A VM that means harm to its neighbours: takes turns at what a VMM or a guest can send, from a seed. When the back-end shows it the door it comes back. What it is
/// answered doesn't interest it, so nothing of that is checked. Thread: one at a time.
/// </summary>
public sealed class HostileGuest : IDisposable
{
    private const ulong RamBytes = 256 << 20;
    private const uint Width = 4096;
    private const uint Height = 4096;
    private const int Batch = 16;
    private const int PatienceMs = 1000;

    private readonly string _path;
    private readonly Random _random;
    private readonly Action<long>[] _kinds;
    private readonly byte[] _request = new byte[GpuCommands.LongestFixedBytes];
    private readonly byte[] _garbage = new byte[4096];
    private readonly Submission?[] _batch = new Submission?[Batch];
    private ScriptedFrontend? _vmm;
    private GuestDriver? _driver;
    private ulong _mark;
    private int _turn;

    /// <param name="path">Where the back-end listens, each time anew.</param>
    /// <param name="seed">Of all that is random.</param>
    public HostileGuest(string path, int seed)
    {
        _path = path;
        _random = new Random(seed);
        _kinds = [SendGarbage, SendBrokenMessages, WriteBrokenRings, StormFlips, FloodDamage, FloodTransfers, FloodPageLists, FloodCommands, StormCursors, ComeAndGo];
    }

    /// <summary>How many kinds of turns there are.</summary>
    public int Kinds => _kinds.Length;

    /// <summary>The next kind of harm, for a while.</summary>
    /// <param name="milliseconds">How long at least.</param>
    public void Turn(int milliseconds)
    {
        var kind = _kinds[_turn++ % _kinds.Length];
        var until = Environment.TickCount64 + milliseconds;
        do
        {
            try
            {
                kind(until);
            }
            catch (Exception e) when (e is IOException or SyscallException)
            {
                Leave(); // shown the door
            }
        }
        while (Environment.TickCount64 < until);
    }

    /// <summary>Goes, without a word.</summary>
    public void Leave()
    {
        _vmm?.Dispose();
        (_vmm, _driver) = (null, null);
    }

    public void Dispose() => Leave();

    private void SendGarbage(long until)
    {
        var vmm = Connect();
        _random.NextBytes(_garbage);
        vmm.SendRaw(_garbage);
        Leave();
    }

    /// <summary>Headers that are right, contents that aren't, files of other kinds than expected.</summary>
    private void SendBrokenMessages(long until)
    {
        var vmm = Connect();
        if (_random.Next(2) == 0)
            vmm.Connect();
        for (var i = 0; i < 64; i++)
        {
            var payload = _garbage.AsSpan(0, _random.Next(256));
            _random.NextBytes(payload);
            ReadOnlySpan<FdHandle> fds = _random.Next(2) == 0 ? [vmm.Memory.File, vmm.Control.Kick] : [];
            vmm.Send((FrontendRequest)_random.Next(1, 48), payload, fds, needReply: _random.Next(2) == 0);
        }

        Leave();
    }

    /// <summary>Chains that loop, lie beyond the RAM, or were never written; an index that jumps.</summary>
    private void WriteBrokenRings(long until)
    {
        var ring = Boot().Control;
        for (var i = 0; i < 256; i++)
        {
            var flags = (DescriptorFlags)_random.Next(8);
            ring.WriteDescriptor((ushort)_random.Next(ring.Size), (ulong)_random.NextInt64(), (uint)_random.Next(), flags, (ushort)_random.Next(ring.Size));
            ring.Publish((ushort)_random.Next(_random.Next(8) == 0 ? ushort.MaxValue : ring.Size));
            if (_random.Next(16) == 0)
                ring.JumpAvail((ushort)_random.Next(ushort.MaxValue));
            ring.Notify(always: true);
        }

        Leave();
    }

    /// <summary>Two pictures that replace each other without a fence, as fast as they are taken.</summary>
    private void StormFlips(long until) => Flood(until, i =>
    {
        var resource = 1 + ((uint)i / 2 % 2);
        return (i & 1) == 0
            ? GpuCommands.SetScanout(_request, 0, resource, GpuRect.Of(Width, Height))
            : GpuCommands.ResourceFlush(_request, resource, GpuRect.Of(Width, Height));
    });

    /// <summary>Single pixels all over the largest picture.</summary>
    private void FloodDamage(long until) => Flood(until, i =>
    {
        var rect = new GpuRect((uint)_random.Next((int)Width), (uint)_random.Next((int)Height), 1, 1);
        return (i & 1) == 0 ? GpuCommands.TransferToHost2D(_request, 1, rect, ((rect.Y * (ulong)Width) + rect.X) * 4) : GpuCommands.ResourceFlush(_request, 1, rect);
    });

    /// <summary>The largest picture, whole, over and over.</summary>
    private void FloodTransfers(long until) => Flood(until, _ => GpuCommands.TransferToHost2D(_request, 2, GpuRect.Of(Width, Height), 0));

    /// <summary>The longest page lists.</summary>
    private void FloodPageLists(long until)
    {
        var vmm = Boot();
        var entries = new GpuMemoryEntry[16384];
        for (var i = 0; i < entries.Length; i++)
            entries[i] = new GpuMemoryEntry((ulong)_random.Next((int)(RamBytes / 4096)) * 4096, 4096);
        var attach = new byte[32 + (16 * entries.Length)];
        GpuCommands.ResourceAttachBacking(attach, 3, entries);
        Await(_driver!.Submit(_request.AsSpan(0, GpuCommands.ResourceCreate2D(_request, 3, (uint)GpuFormat.B8G8R8X8, 64, 64)), GpuHeader.SizeBytes));
        while (Environment.TickCount64 < until)
        {
            Await(_driver.Submit(attach, GpuHeader.SizeBytes));
            Await(_driver.Submit(_request.AsSpan(0, GpuCommands.ResourceDetachBacking(_request, 3)), GpuHeader.SizeBytes));
            vmm.Memory.Release(_mark);
        }

        Leave();
    }

    /// <summary>Commands with numbers that make no sense, most of them.</summary>
    private void FloodCommands(long until) => Flood(until, _ =>
    {
        _random.NextBytes(_request);
        GpuCommand[] commands = [.. Enum.GetValues<GpuCommand>()];
        GpuCommands.WriteHeader(_request, new((uint)commands[_random.Next(commands.Length)], (uint)_random.Next(2), (ulong)_random.Next()));
        for (var at = GpuHeader.SizeBytes; at < _request.Length; at += 4)
            GpuCommands.Put32(_request, at, _random.Next(3) == 0 ? (uint)_random.NextInt64() : (uint)_random.Next(5));
        return _request.Length;
    });

    private void StormCursors(long until) => Flood(until, i => GpuCommands.Cursor(
        _request, (i & 1) == 0 ? GpuCommand.UpdateCursor : GpuCommand.MoveCursor, 0, (uint)_random.Next(4096), (uint)_random.Next(4096), (uint)_random.Next(3), 0, 0));

    private void ComeAndGo(long until)
    {
        Boot();
        Leave();
    }

    /// <summary>A queue that is always full.</summary>
    /// <param name="until">When it is enough.</param>
    /// <param name="write">Writes the n-th request, and returns its length.</param>
    private void Flood(long until, Func<int, int> write)
    {
        var vmm = Boot();
        for (var n = 0; Environment.TickCount64 < until;)
        {
            for (var i = 0; i < Batch; i++, n++)
                _batch[i] = _driver!.Submit(_request.AsSpan(0, write(n)), 64, notify: i == Batch - 1);
            foreach (var submission in _batch)
                Await(submission!);
            vmm.Memory.Release(_mark);
        }

        Leave();
    }

    private void Await(Submission submission)
    {
        if (!_driver!.TryWait(submission, PatienceMs))
            throw new BackendSilentException("it has had enough of us");
    }

    private ScriptedFrontend Connect()
    {
        Leave();
        var socket = BackendLauncher.ConnectPatiently(_path, 20_000, ms =>
        {
            Thread.Sleep(ms);
            return false;
        });
        var memory = new GuestMemoryOptions { Regions = [new(0, RamBytes, 0, GuestMemoryOptions.UserBase)] };
        return _vmm = new ScriptedFrontend(socket, new FrontendOptions { Order = HandshakeOrder.Crosvm, Display = null, Memory = memory, TimeoutMs = PatienceMs });
    }

    /// <summary>A guest with two large pictures, one of them on the screen.</summary>
    private ScriptedFrontend Boot()
    {
        var vmm = Connect();
        _driver = vmm.Boot();
        var pixels = vmm.Memory.Allocate(Width * Height * 4);
        for (uint id = 1; id <= 2; id++)
        {
            _driver.Send(_request.AsSpan(0, GpuCommands.ResourceCreate2D(_request, id, (uint)GpuFormat.B8G8R8X8, Width, Height)));
            _driver.Send(_request.AsSpan(0, GpuCommands.ResourceAttachBacking(_request, id, [new(pixels, Width * Height * 4)])));
        }

        _driver.Send(_request.AsSpan(0, GpuCommands.SetScanout(_request, 0, 1, GpuRect.Of(Width, Height))));
        _mark = vmm.Memory.Mark();
        return vmm;
    }
}
