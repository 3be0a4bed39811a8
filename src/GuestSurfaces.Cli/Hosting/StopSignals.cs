// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace GuestSurfaces.Cli.Hosting;

/// <summary>What asks a program to end asks it to do so in order.</summary>
internal sealed class StopSignals : IDisposable
{
    private static readonly (PosixSignal Signal, int Number)[] s_known = [(PosixSignal.SIGHUP, 1), (PosixSignal.SIGINT, 2), (PosixSignal.SIGTERM, 15)];

    private readonly List<PosixSignalRegistration> _signals = [];
    private volatile int _exitCode;

    /// <summary>Listens.</summary>
    /// <param name="stop">Called on another thread.</param>
    /// <param name="hearsTerminal">Whether Ctrl-C and a closed terminal count. Else they are ignored: another process hears them, and ends this one in its time.</param>
    public StopSignals(Action stop, bool hearsTerminal = true)
    {
        foreach (var (signal, number) in s_known)
        {
            _signals.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                if (!hearsTerminal && signal != PosixSignal.SIGTERM)
                    return;
                _exitCode = 128 + number;
                stop();
            }));
        }
    }

    /// <summary>What a program that such a signal has ended returns by a shell's convention: 128 and the signal's number; 0: none has come. Thread: any.</summary>
    public int ExitCode => _exitCode;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var signal in _signals)
            signal.Dispose();
    }
}
