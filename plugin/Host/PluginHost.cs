// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Plugin.Configuration;
using GuestSurfaces.Plugin.Control;
using GuestSurfaces.Presentation;
using GuestSurfaces.Presentation.Input;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Plugin.Host;

/// <summary>
/// What Weston's module starts: brings the guests of weston.ini onto the desktop, starts again what ends, and does what <c>guest-surfaces plugin</c> asks. It sees no byte of any guest. It
/// ends with its Weston, and its presenters with it; devices and VMs live on. Thread: the main thread's.
/// </summary>
public sealed class PluginHost : IDisposable
{
    private const long ControlRetryNs = 1_000_000_000;

    private readonly IReadOnlyList<string> _program;
    private readonly DesktopConnection _desktop;
    private readonly List<HostedGuest> _guests = [];
    private readonly Retry _control;
    private readonly string? _controlPath;
    private readonly PluginSettings _settings;
    private ControlSocket? _socket;

    /// <summary>Brings the guests as soon as the loop runs.</summary>
    /// <param name="connection">To Weston; adopted.</param>
    /// <param name="westonIni">The file's text.</param>
    /// <param name="program">How guest-surfaces is started: the program, and what comes before its arguments.</param>
    /// <param name="controlPath">Where to be asked; null: nowhere.</param>
    /// <exception cref="NotSupportedException">That isn't a Weston which has started this process as its host.</exception>
    /// <exception cref="WaylandException">The connection has failed.</exception>
    public PluginHost(WaylandConnection connection, string westonIni, IReadOnlyList<string> program, string? controlPath)
    {
        _program = program;
        _controlPath = controlPath;
        _desktop = new DesktopConnection(Loop, connection);
        Loop.Failed = e => _desktop.Log($"something failed, and is left alone from now on; the rest goes on: {e}");
        _settings = PluginSettings.Read(westonIni, _desktop.Log);
        _desktop.SetChord(_settings.GrabChord);
        foreach (var section in _settings.Guests)
            Add(section);
        _desktop.Log($"{_guests.Count} guests; {_settings.GrabChord} gives one keyboard and shortcuts, and takes them back");
        _control = new Retry(Loop.Timers, ControlRetryNs, ControlRetryNs, ControlRetryNs, TryListen);
        if (controlPath is not null)
            _control.Start();
    }

    /// <summary>Where everything happens.</summary>
    public EventLoop Loop { get; } = new();

    /// <summary>Runs until Weston ends, or a signal comes.</summary>
    public void Run() => Loop.Run();

    /// <inheritdoc/>
    public void Dispose()
    {
        _control.Cancel();
        _socket?.Dispose();
        foreach (var guest in _guests)
            guest.Dispose();
        _desktop.Dispose();
        Loop.Dispose();
    }

    private void Add(GuestSection section) => _guests.Add(new HostedGuest(Loop, _desktop, section, CommandOf));

    private string[] CommandOf(GuestSection section) =>
        section.Command is { } command
            ? ["setpriv", "--pdeathsig", "KILL", "--", "/bin/sh", "-c", command] // ours notices when its connection ends; a stranger that never looks at it would outlive a killed host
            : [.. _program, "present", section.Link!, $"--grab-chord={_settings.GrabChord}", .. section.PresenterOptions()];

    // Another Weston of this session may have it, or the one before this hasn't ended yet.
    private bool TryListen()
    {
        try
        {
            _socket = new ControlSocket(Loop, _controlPath!, Answer);
            return true;
        }
        catch (SyscallException)
        {
            return false;
        }
    }

    private ControlReply Answer(ControlRequest request)
    {
        var guest = _guests.Find(g => g.Section.Name == request.Name);
        switch (request.Action)
        {
            case ControlAction.List:
                return new ControlReply { Guests = [.. _guests.Select(GuestReport.Of)] };
            case ControlAction.Attach when guest is not null:
                guest.Attach();
                break;
            case ControlAction.Attach when WhyNot(request) is { } reason:
                return new ControlReply { Problem = reason };
            case ControlAction.Attach:
                Add(new GuestSection { Name = request.Name!, Link = request.Link, Placement = request.Placement, Color = request.Color ?? GuestSection.DefaultColor });
                break;
            case var _ when guest is null:
                return new ControlReply { Problem = $"there is no guest named {request.Name}" };
            case ControlAction.Capture when guest.Section is { MayBeCaptured: true, Link: { } link }:
                return new ControlReply { Link = link };
            case ControlAction.Capture:
                return new ControlReply { Problem = $"weston.ini doesn't say that {request.Name} may be captured: capture=true in its [guest-surface]" };
            case ControlAction.Detach:
                guest.Detach();
                break;
            case ControlAction.Move:
                guest.Place(guest.Placement with { Outputs = request.Placement.Outputs });
                break;
            case ControlAction.Fullscreen:
                guest.Place(request.Placement.Outputs.Count > 0 ? request.Placement : guest.Placement with { Kind = request.Placement.Kind });
                break;
            default:
                return new ControlReply { Problem = "that is nothing that this version does" };
        }

        return new ControlReply();
    }

    private string? WhyNot(ControlRequest request)
    {
        if (request.Name is null || !GuestSection.IsName(request.Name))
            return "a guest needs a name of 1 to 64 letters, digits, \"_\", \".\" and \"-\"";
        if (request.Link?.StartsWith('/') != true)
            return "a guest needs the absolute path of its link's socket";
        return _guests.Count == PluginSettings.MaxGuests ? $"there are {PluginSettings.MaxGuests} guests already" : null;
    }
}
