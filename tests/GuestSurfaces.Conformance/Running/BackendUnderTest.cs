// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>Looks at what a back-end shows, where it shows it by itself.</summary>
public interface IPixelProbe
{
    /// <summary>Reads a scanout as 4-byte pixels B, G, R, X in rows without gaps. X is not compared.</summary>
    /// <param name="scanout">Which.</param>
    /// <param name="xrgb">Room for 8192x8192 at most; filled from the start.</param>
    /// <param name="w">Its width.</param>
    /// <param name="h">Its height.</param>
    /// <returns>False if the scanout is off.</returns>
    bool TryReadScanout(int scanout, Span<byte> xrgb, out int w, out int h);
}

/// <summary>A running back-end. Every case gets a fresh one, or at least a fresh connection.</summary>
public abstract class BackendUnderTest : IDisposable
{
    /// <summary>For reports.</summary>
    public abstract string Name { get; }

    /// <summary>Whether it takes another connection after one has ended.</summary>
    public abstract bool CanReconnect { get; }

    /// <summary>Null: its pictures come over QEMU's display socket, or not at all.</summary>
    public virtual IPixelProbe? Probe => null;

    /// <summary>Opens a connection. Ownership: the caller's.</summary>
    public abstract UnixSocketHandle Connect();

    /// <summary>Why it isn't well: ended by a signal, an exception escaped. Null: it is well, or has ended in an orderly way.</summary>
    public abstract string? Ailment();

    /// <summary>What it has printed, for reports of failures.</summary>
    public virtual string Output() => "";

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>A program started for one case.</summary>
/// <param name="command">With <c>{fd}</c> or <c>{socket}</c>.</param>
/// <param name="probe">How to look at its pictures, if it shows them by itself.</param>
public sealed class SpawnedBackend(string command, IPixelProbe? probe = null) : BackendUnderTest
{
    private const int OrderlyExitMs = 3000;
    private const int SigPipe = 13;

    private readonly BackendLauncher _launcher = BackendLauncher.Start(command);

    public override string Name => command;

    public override bool CanReconnect => _launcher.SocketPath != null && !_launcher.Process.WaitForExit(0);

    public override IPixelProbe? Probe => probe;

    public override UnixSocketHandle Connect() => _launcher.TakeConnection();

    public override string? Ailment()
    {
        // With {fd} the end of the connection is the end of the program: it may return, whatever it returns.
        if (_launcher.SocketPath == null && !_launcher.Process.WaitForExit(OrderlyExitMs))
            return $"it still runs {OrderlyExitMs} ms after its only connection has ended";
        // SIGPIPE is one way to notice that the only VMM is gone.
        return _launcher.Process.WaitForExit(0) && _launcher.Process.EndedBySignal is { } signal && (signal != SigPipe || _launcher.SocketPath != null)
            ? $"signal {signal} ended it"
            : null;
    }

    public override string Output() => _launcher.Output();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _launcher.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>A program that somebody else started and that listens on a path; it must serve one connection after the other.</summary>
/// <param name="path">Where.</param>
/// <param name="probe">How to look at its pictures, if it shows them by itself.</param>
public sealed class ListeningBackend(string path, IPixelProbe? probe = null) : BackendUnderTest
{
    /// <summary>How long it may take from the end of one connection until it listens for the next.</summary>
    private const int ListensAgainMs = 2000;

    private readonly EpollHandle _nothing = EpollHandle.Create();

    public override string Name => path;

    public override bool CanReconnect => true;

    public override IPixelProbe? Probe => probe;

    public override UnixSocketHandle Connect() =>
        BackendLauncher.ConnectPatiently(path, ListensAgainMs, ms => _nothing.Wait(new EpollResult[1], ms) > 0);

    public override string? Ailment() => null;

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _nothing.Dispose();
        base.Dispose(disposing);
    }
}
