// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Transports.QemuDBus;

/// <summary>
/// Tells QEMU which monitors the guest's user sees, where the graphics card's configuration space is QEMU's own (vhost-user-gpu-pci): it then raises the event that makes the
/// guest look, and the guest asks our device. By <c>Console.SetUIInfo</c> of QEMU's D-Bus display, peer to peer: <c>-display dbus,p2p=on</c>, and a QMP monitor over which QEMU
/// is handed its end. Opened with the first mode; while it can't be, the newest modes wait. Thread: the loop's; nothing waits.
/// Source: QEMU ui/dbus-display1.xml; D-Bus specification 0.43, "Authentication Protocol".
/// </summary>
public sealed class QemuConsoles : IFdHandler, IDisposable
{
    private const long RetryNs = 500_000_000;
    private const int MaxTries = 60; // half a minute: firmware needs no modes, and QEMU listens before it runs

    private readonly EventLoop _loop;
    private readonly string _monitorPath;
    private readonly ILogger _log;
    private readonly OutputMode?[] _wanted = new OutputMode?[Limits.MaxScanouts];
    private readonly LoopTimer _open;
    private readonly byte[] _input = new byte[DBusMessage.MaxBytes];
    private QmpHandover? _handover;
    private UnixSocketHandle? _socket;
    private FdWatch? _watch;
    private int _inputBytes;
    private int _tries;
    private uint _serial;
    private bool _isAuthenticated;
    private bool _hasGivenUp;
    private bool _hasComplained;

    /// <summary>Opens nothing yet.</summary>
    /// <param name="loop">Where everything happens.</param>
    /// <param name="monitorPath">QEMU's QMP socket; may not be there yet.</param>
    /// <param name="log">Hears of what doesn't work.</param>
    public QemuConsoles(EventLoop loop, string monitorPath, ILogger log)
    {
        ArgumentNullException.ThrowIfNull(loop);
        _loop = loop;
        _monitorPath = monitorPath;
        _log = log;
        _open = loop.Timers.Create(Open);
    }

    /// <summary>Says which monitor a head has.</summary>
    /// <param name="head">0 to 15.</param>
    /// <param name="mode">Its mode. D-Bus carries no refresh rate; the guest asks our device for that.</param>
    public void SetMode(int head, OutputMode mode)
    {
        if ((uint)head >= (uint)_wanted.Length || _hasGivenUp)
            return;
        _wanted[head] = mode;
        if (_isAuthenticated)
            Tell();
        else if (_socket is null && _handover is null && !_open.IsArmed)
            Open();
    }

    /// <inheritdoc/>
    public void OnReady(EpollEvents events)
    {
        while (_watch is not null)
        {
            var errno = _socket!.Receive(_input.AsSpan(_inputBytes), [], out var received, out _, wait: false);
            if (errno == Errno.EAGAIN)
                return;
            if (errno != Errno.None || received == 0)
            {
                Close("QEMU has closed it"); // as it ends, or because it didn't like us: it will say which
                return;
            }

            _inputBytes += received;
            if (!Read())
                Close("QEMU says something unexpected");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _open.Cancel();
        _handover?.Dispose();
        _watch?.Dispose();
        _socket?.Dispose();
        (_handover, _watch, _socket) = (null, null, null);
    }

    private void Open()
    {
        try
        {
            var (ours, theirs) = UnixSocketHandle.CreatePair(nonBlocking: true);
            _socket = ours;
            using (theirs)
                _handover = new QmpHandover(_loop, _monitorPath, theirs) { Done = OnHandedOver };
        }
        catch (SyscallException e)
        {
            _socket?.Dispose();
            _socket = null;
            if (++_tries < MaxTries)
                _open.ArmIn(RetryNs);
            else
                Close(e.Message);
        }
    }

    private void OnHandedOver(string? problem)
    {
        _handover!.Dispose();
        _handover = null;
        if (problem is not null)
        {
            Close(problem);
            return;
        }

        _watch = _loop.Watch(_socket!, EpollEvents.In, this);
        var user = ThisProcess.UserId.ToString(CultureInfo.InvariantCulture);
        Send(Encoding.ASCII.GetBytes($"\0AUTH EXTERNAL {Convert.ToHexString(Encoding.ASCII.GetBytes(user))}\r\n"));
    }

    /// <summary>Handles what is there.</summary>
    /// <returns>False if it makes no sense.</returns>
    private bool Read()
    {
        var input = _input.AsSpan(0, _inputBytes);
        while (!input.IsEmpty)
        {
            int used;
            if (!_isAuthenticated)
            {
                var end = input.IndexOf("\r\n"u8);
                if (end < 0)
                    break;
                if (!input.StartsWith("OK "u8))
                    return false;
                used = end + 2;
                _isAuthenticated = true;
                Send("BEGIN\r\n"u8);
                Tell();
            }
            else if (!DBusMessage.TryReadHead(input, out var head))
            {
                return false;
            }
            else if (head is not { } message)
            {
                break;
            }
            else
            {
                used = message.TotalBytes;
                if (message.Type == DBusMessageType.Error && !_hasComplained)
                {
                    _hasComplained = true;
                    _log.LogWarning("QEMU doesn't tell the guest its window's size: {Error}", message.ErrorName);
                }
            }

            input = input[used..];
        }

        input.CopyTo(_input);
        _inputBytes = input.Length;
        return _inputBytes < _input.Length;
    }

    private void Tell()
    {
        Span<byte> body = stackalloc byte[20];
        for (var head = 0; head < _wanted.Length; head++)
        {
            if (_wanted[head] is not { } mode || !_isAuthenticated)
                continue;
            _wanted[head] = null;
            body.Clear();
            BinaryPrimitives.WriteUInt16LittleEndian(body, (ushort)Math.Min(mode.WidthMm, ushort.MaxValue));
            BinaryPrimitives.WriteUInt16LittleEndian(body[2..], (ushort)Math.Min(mode.HeightMm, ushort.MaxValue));

            // QEMU raises no event for what it knows already. A place is of no use to anybody: so it tells the times apart.
            BinaryPrimitives.WriteUInt32LittleEndian(body[4..], ++_serial & 1);
            BinaryPrimitives.WriteInt32LittleEndian(body[12..], mode.Enabled ? mode.Size.Width : 0);
            BinaryPrimitives.WriteInt32LittleEndian(body[16..], mode.Enabled ? mode.Size.Height : 0);
            Send(DBusMessage.Call(
                _serial, string.Create(CultureInfo.InvariantCulture, $"/org/qemu/Display1/Console_{head}"), "org.qemu.Display1.Console", "SetUIInfo", "qqiiuu", body));
        }
    }

    // Some hundred bytes a change, a dozen changes a second: what doesn't fit into the socket's buffer has a reader that is stuck.
    private void Send(ReadOnlySpan<byte> bytes)
    {
        if (_socket is { } socket && (socket.Send(bytes, [], out var sent, wait: false) != Errno.None || sent != bytes.Length))
            Close("QEMU doesn't read it");
    }

    private void Close(string why)
    {
        Dispose();
        _hasGivenUp = true;
        _isAuthenticated = false;
        _log.LogDebug("the way to QEMU's display is closed: {Reason}", why);
    }
}
