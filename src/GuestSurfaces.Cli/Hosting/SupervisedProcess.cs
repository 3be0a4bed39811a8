// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Cli.Hosting;

/// <summary>
/// This program once more, in a process of its own, for a part of the work. It ends with this process, however that ends, by a socket whose other end it watches
/// (<see cref="Lifeline"/>). It is started again whenever it ends, unless somebody wants to hear of that. Thread: the loop's.
/// </summary>
internal sealed class SupervisedProcess : IFdHandler, IDisposable
{
    private const long FirstNs = 100_000_000;

    // Windows shall be back within two seconds, however often they fail. One that fails at its start costs 0.2 s of a core each time.
    private const long LongestNs = 1_000_000_000;
    private const long SteadyNs = 10_000_000_000;
    private const int EndMs = 5000;
    private const int MaxTextBytes = 4096;

    private readonly EventLoop _loop;
    private readonly string _what;
    private readonly string[] _command;
    private readonly ILogger _log;
    private readonly Retry _retry;
    private readonly byte[] _text = new byte[MaxTextBytes];
    private ChildProcess? _process;
    private UnixSocketHandle? _lifeline;
    private FdWatch? _exitWatch;
    private FdWatch? _lifelineWatch;

    /// <summary>Starts it with the loop's next turn.</summary>
    /// <param name="loop">Where everything happens.</param>
    /// <param name="what">For the log: "the windows' process".</param>
    /// <param name="arguments">Its command line, which takes the lifeline's option.</param>
    /// <param name="log">Hears when it ends.</param>
    public SupervisedProcess(EventLoop loop, string what, IReadOnlyList<string> arguments, ILogger log)
    {
        _loop = loop;
        _what = what;
        _log = log;
        _command = [.. ThisProgram.CommandLine(arguments), Lifeline.OptionName, ChildProcess.InheritedFdNumber.ToString(CultureInfo.InvariantCulture)];
        _retry = new Retry(loop.Timers, FirstNs, LongestNs, SteadyNs, TryStart);
        _retry.Start();
    }

    /// <summary>Hears what it tells.</summary>
    public Action<string>? Told { get; init; }

    /// <summary>Hears of its end, and how that came, instead of having another one started.</summary>
    public Action<string>? Ended { get; init; }

    /// <inheritdoc/>
    public void OnReady(EpollEvents events)
    {
        Listen();
        if (_process?.WaitForExit(0) != true)
            return;
        var how = _process.EndedBySignal is { } signal ? $"signal {signal}" : $"exit code {_process.ExitCode}";
        Discard();
        if (Ended is not null)
        {
            Ended(how);
            return;
        }

        _log.LogWarning("{What} has ended ({How}); another one is started", _what, how);
        _retry.Start();
    }

    /// <summary>Ends it, and waits until it is gone.</summary>
    public void Dispose()
    {
        _retry.Cancel();
        _process?.RequestExit();
        _ = _process?.WaitForExit(EndMs); // or else it is killed
        Discard();
    }

    private bool TryStart()
    {
        try
        {
            (_lifeline, var theirs) = UnixSocketHandle.CreatePair(nonBlocking: true, SocketKind.Packets);
            using (theirs)
                _process = ChildProcess.Start(_command, theirs, output: null);
            _exitWatch = _loop.Watch(_process.ExitEvent, EpollEvents.In, this);
            _lifelineWatch = _loop.Watch(_lifeline, EpollEvents.In, this);
            return true;
        }
        catch (SyscallException e)
        {
            _log.LogWarning("{What} can't be started: {Problem}", _what, e.Message);
            Discard();
            Ended?.Invoke("it wasn't started");
            return Ended is not null;
        }
    }

    private void Listen()
    {
        while (_lifelineWatch is not null && _lifeline!.Receive(_text, [], out var received, out _) is var errno and not Errno.EAGAIN)
        {
            if (errno == Errno.None && received > 0)
            {
                Told?.Invoke(Encoding.UTF8.GetString(_text, 0, received));
                continue;
            }

            _lifelineWatch.Dispose(); // it ends
            _lifelineWatch = null;
        }
    }

    private void Discard()
    {
        _exitWatch?.Dispose();
        _lifelineWatch?.Dispose();
        _process?.Dispose();
        _lifeline?.Dispose();
        (_exitWatch, _lifelineWatch, _process, _lifeline) = (null, null, null, null);
    }
}
