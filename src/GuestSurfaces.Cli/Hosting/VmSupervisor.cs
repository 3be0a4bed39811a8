// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Presentation;
using GuestSurfaces.Transports.QemuDBus;
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Cli.Hosting;

/// <summary>
/// A VM whose parts are processes of their own: its device, its windows, and the VMM. The windows' process is started again when it ends. The device's can't be: a VMM never connects to
/// another one, so the guest goes on without a screen. Both end with this process. Thread: the main thread's.
/// </summary>
internal sealed class VmSupervisor : IDisposable
{
    private const int Failed = 1;

    private readonly HostOptions _options;
    private readonly EventLoop _loop = new();
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _log;
    private readonly SupervisedProcess _device;
    private readonly QemuConsoles? _consoles;
    private readonly StopSignals _signals;
    private volatile VmProcess? _vm;
    private string? _linkPath;
    private bool _hasDevice = true;

    /// <summary>Starts the device's process with the loop's first turn.</summary>
    /// <param name="options">From the command line.</param>
    /// <param name="socketPath">Where the VMM will connect.</param>
    /// <param name="monitorPath">Of a QEMU that must be told about the guest's monitors: its QMP socket. Else null.</param>
    public VmSupervisor(HostOptions options, string socketPath, string? monitorPath = null)
    {
        _options = options;
        _loggers = ConsoleLog.Create(options.Verbose);
        _log = _loggers.CreateLogger(options.Name);
        _device = new SupervisedProcess(_loop, "the device's process", DeviceArguments(options, socketPath), _log) { Told = OnDeviceTold, Ended = OnDeviceEnded };
        _consoles = monitorPath is null ? null : new QemuConsoles(_loop, monitorPath, _log);
        _signals = new StopSignals(RequestEnd);
    }

    /// <summary>Starts the VMM as soon as its device is there, and runs until it ends.</summary>
    /// <param name="command">The VMM's command line.</param>
    /// <returns>Its exit code.</returns>
    public int Run(IReadOnlyList<string> command)
    {
        while (_linkPath is null && _hasDevice && !_loop.IsStopped)
            _loop.RunOnce();
        if (_linkPath is null || _loop.IsStopped)
            return Failed; // who has ended it knows why, or it has said so itself
        using var vm = new VmProcess(command, _loop);
        _vm = vm;
        using var presenter = _linkPath.Length > 0 ? new SupervisedProcess(_loop, "the windows' process", PresenterArguments(_options, _linkPath), _log) : null;
        _loop.Run();
        return vm.Collect();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _signals.Dispose();
        _consoles?.Dispose();
        _device.Dispose();
        _loop.Dispose();
        _loggers.Dispose();
    }

    /// <summary>The device's command line: what its process is to do of what the user wants of <c>run</c>.</summary>
    internal static string[] DeviceArguments(HostOptions options, string socketPath) =>
    [
        "device", $"--socket-path={socketPath}", $"--name={options.Name}",
        string.Create(CultureInfo.InvariantCulture, $"--outputs={options.Outputs}"), string.Create(CultureInfo.InvariantCulture, $"--size={options.Size.Width}x{options.Size.Height}"),
        .. Given("--stats", options.StatsPath),
        .. options.Notes.SelectMany(static note => Given("--note", $"{note.Key}={note.Value}")),
        .. Given("--link", options.LinkPath),
        .. options.InputPaths.SelectMany(static input => Given($"--{HostOptions.NameOf(input.Key)}", input.Value)),
        .. If(!options.ShowWindows, "--no-display"),
        .. If(!options.ZeroCopy, "--zero-copy=off"),
        .. If(options.Alias2D, "--alias-2d"),
        .. If(!options.Isolate, "--no-isolation"),
        .. If(options.Verbose, "--verbose"),
    ];

    private static string[] PresenterArguments(HostOptions options, string linkPath) =>
    [
        "present", linkPath, $"--name={options.Name}",
        .. If(options.Fullscreen, "--fullscreen"),
        $"--grab-chord={options.GrabChord}",
        .. If(options.Convert, "--convert"),
        .. If(!options.ResizeGuest, "--no-resize"),
        $"--policy={options.Policy.ToString().ToLowerInvariant()}",
        .. Given("--sync", options.Sync?.Name()),
        .. If(options.Verbose, "--verbose"),
    ];

    private static string[] Given(string option, string? value) => value is null ? [] : [$"{option}={value}"];

    private static string[] If(bool condition, string option) => condition ? [option] : [];

    private void RequestEnd()
    {
        if (_vm is { } vm)
            vm.RequestEnd();
        else
            _loop.Stop();
    }

    private void OnDeviceTold(string what)
    {
        if (what.StartsWith(Lifeline.Listening, StringComparison.Ordinal))
            _linkPath = what[Lifeline.Listening.Length..];
        else if (what == Lifeline.WindowClosed)
            RequestEnd();
        else if (Lifeline.ParseMode(what) is { } told)
            _consoles?.SetMode(told.Head, told.Mode);
    }

    private void OnDeviceEnded(string how)
    {
        _hasDevice = false;
        if (_vm is not null)
        {
            _log.LogError(
                "the device's process has ended ({How}): the guest runs on, but without a screen, and can't get one back. Shut it down from inside (over the network, or by QEMU's monitor) "
                + "or with Ctrl-C here, and start it anew",
                how);
        }
    }
}
