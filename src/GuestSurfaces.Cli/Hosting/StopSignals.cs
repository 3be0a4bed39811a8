// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace GuestSurfaces.Cli.Hosting;

/// <summary>What asks a program to end asks it to do so in order.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly List<PosixSignalRegistration> _signals = [];

    /// <summary>Listens.</summary>
    /// <param name="stop">Called on another thread.</param>
    /// <param name="hearsTerminal">Whether Ctrl-C and a closed terminal count. Else they are ignored: another process hears them, and ends this one in its time.</param>
    public StopSignals(Action stop, bool hearsTerminal = true)
    {
        foreach (var signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
        {
            _signals.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                if (hearsTerminal || context.Signal == PosixSignal.SIGTERM)
                    stop();
            }));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var signal in _signals)
            signal.Dispose();
    }
}
