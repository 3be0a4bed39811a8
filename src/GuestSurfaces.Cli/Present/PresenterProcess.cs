// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Cli.Commands;
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Cli.Present;

/// <summary>
/// A presenter in a process of its own, started again whenever it ends: the guest's windows may fail, the guest's device doesn't. It ends with this process, however that
/// ends, by a socket whose other end it watches. Thread: the loop's.
/// </summary>
internal sealed class PresenterProcess : IFdHandler, IDisposable
{
    private const long FirstNs = 100_000_000;

    // Windows shall be back within two seconds, however often they fail. One that fails at its start costs 0.2 s of a core each time.
    private const long LongestNs = 1_000_000_000;
    private const long SteadyNs = 10_000_000_000;
    private const int EndMs = 2000;

    private readonly EventLoop _loop;
    private readonly string[] _command;
    private readonly ILogger _log;
    private readonly Retry _retry;
    private ChildProcess? _process;
    private UnixSocketHandle? _lifeline;
    private FdWatch? _watch;

    /// <summary>Starts it with the loop's next turn.</summary>
    /// <param name="loop">Where everything happens.</param>
    /// <param name="linkPath">Where the device listens.</param>
    /// <param name="options">How the windows look.</param>
    /// <param name="log">Hears when it ends.</param>
    public PresenterProcess(EventLoop loop, string linkPath, HostOptions options, ILogger log)
    {
        _loop = loop;
        _log = log;
        _command =
        [
            .. ThisProgram(), "present", linkPath, "--name", options.Name,
            PresentCommand.LifelineOption, ChildProcess.InheritedFdNumber.ToString(CultureInfo.InvariantCulture),
            .. options.Fullscreen ? (string[])["--fullscreen"] : [],
            .. options.Convert ? (string[])["--convert"] : [],
            .. options.Verbose ? (string[])["--verbose"] : [],
        ];
        _retry = new Retry(loop.Timers, FirstNs, LongestNs, SteadyNs, TryStart);
        _retry.Start();
    }

    /// <inheritdoc/>
    public void OnReady(EpollEvents events)
    {
        if (_process?.WaitForExit(0) != true)
            return;
        _log.LogWarning(
            "the windows' process has ended ({How}); another one is started",
            _process.EndedBySignal is { } signal ? $"signal {signal}" : $"exit code {_process.ExitCode}");
        Discard();
        _retry.Start();
    }

    /// <summary>Ends it.</summary>
    public void Dispose()
    {
        _retry.Cancel();
        _process?.RequestExit();
        _ = _process?.WaitForExit(EndMs); // or else it is killed
        Discard();
    }

    // `dotnet guest-surfaces.dll` as well as the program itself.
    private static string[] ThisProgram() =>
        Path.GetFileName(Environment.ProcessPath!) == "dotnet" ? [Environment.ProcessPath!, Environment.GetCommandLineArgs()[0]] : [Environment.ProcessPath!];

    private bool TryStart()
    {
        try
        {
            (_lifeline, var theirs) = UnixSocketHandle.CreatePair(nonBlocking: true);
            using (theirs)
                _process = ChildProcess.Start(_command, theirs, output: null);
            _watch = _loop.Watch(_process.ExitEvent, EpollEvents.In, this);
            return true;
        }
        catch (SyscallException e)
        {
            _log.LogWarning("the windows' process can't be started: {Problem}", e.Message);
            Discard();
            return false;
        }
    }

    private void Discard()
    {
        _watch?.Dispose();
        _process?.Dispose();
        _lifeline?.Dispose();
        (_watch, _process, _lifeline) = (null, null, null);
    }
}
