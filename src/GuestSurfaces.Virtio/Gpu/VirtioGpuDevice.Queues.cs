// SPDX-License-Identifier: MIT
using GuestSurfaces.Virtio.Queues;

namespace GuestSurfaces.Virtio.Gpu;

/// <content>The queues: chains in, answers out.</content>
public sealed partial class VirtioGpuDevice
{
    /// <summary>Other guests share the loop: a queue's turn ends here, and goes on after theirs. Half a refresh at 60 Hz.</summary>
    private const long MaxTurnNs = 8_000_000;

    /// <summary>The same for commands that take no time.</summary>
    private const int MaxTurnCommands = 256;

    /// <summary>A guest that waits for a small answer shouldn't wait for the large copies behind it.</summary>
    private const long NotifyIntervalNs = 500_000;

    private readonly Stack<DescriptorChain> _freeChains = [];
    private readonly GpuReply _reply = new();
    private readonly CursorPace _cursorPace = new();
    private Virtqueue? _control;
    private Virtqueue? _cursor;
    private bool _pumping;
    private bool _throttled;

    /// <inheritdoc/>
    public void StartQueue(int index, Virtqueue queue)
    {
        StopQueue(index);

        // Chains may be waiting since before a pause; the driver won't kick for them again.
        if (index == ControlQueue)
        {
            _control = queue;
            Attached.ControlTimer.ArmIn(0);
        }
        else if (index == CursorQueue)
        {
            _cursor = queue;
            Attached.CursorTimer.ArmIn(0);
        }
    }

    /// <inheritdoc/>
    public void StopQueue(int index)
    {
        if (index == ControlQueue)
        {
            Attached.ControlTimer.Cancel();
            _throttled = false;
            _fences.SettleAll();
            AnswerDue();
            _control?.FlushNotifications();
            _control = null;
            _monitors.StopWaiting();
        }
        else if (index == CursorQueue)
        {
            Attached.CursorTimer.Cancel();
            _cursor = null;
        }
    }

    /// <inheritdoc/>
    public void QueueKicked(int index)
    {
        if (index == CursorQueue)
            PumpCursor();
        else if (index == ControlQueue && !_throttled)
            PumpControl();
    }

    /// <inheritdoc/>
    public void FrameSettled(int scanout, ulong serial)
    {
        if (_attached is not { } attached || (uint)scanout >= (uint)attached.Scanouts.Count)
            return;
        attached.Scanouts.Settled(scanout, serial);
        _fences.Settle(scanout, serial);
        AnswerHeld();

        // Not from in here: the display is in the middle of something.
        if (_throttled && !_pumping)
            attached.ControlTimer.ArmIn(0);
    }

    /// <inheritdoc/>
    public void BuffersFreed(int scanout) => AnswerHeld();

    private void ResumeControl()
    {
        if (_throttled)
            _flood.Restart(Attached.Clock.NowNs);
        _throttled = false;
        PumpControl();
    }

    private void PumpControl()
    {
        if (_control is not { } queue || _pumping)
            return;
        _pumping = true;
        try
        {
            RunTurn(queue);
            HearModes();
        }
        finally
        {
            _pumping = false; // a display that throws must not leave a device that never hears again
            queue.FlushNotifications();
        }
    }

    private void RunTurn(Virtqueue queue)
    {
        var clock = Attached.Clock;
        var now = clock.NowNs;
        var turnEnd = now + MaxTurnNs;
        var notifyNs = now + NotifyIntervalNs;
        queue.DisableKicks();
        for (var commands = 0; ; commands++)
        {
            if (_flood.IsSpent(now))
            {
                _throttled = true;
                _statistics.Throttled++;
                Attached.ControlTimer.ArmAt(_flood.ResumeNs);
                break;
            }

            if (commands == MaxTurnCommands || now >= turnEnd)
            {
                Attached.ControlTimer.ArmIn(0);
                break;
            }

            var chain = RentChain();
            if (!queue.TryPop(chain))
            {
                _freeChains.Push(chain);
                if (!queue.EnableKicks())
                    break;
                queue.DisableKicks();
                continue;
            }

            ExecuteControl(queue, chain, now);
            var after = clock.NowNs;
            _flood.Charge(now, after);
            now = after;
            if (now >= notifyNs)
            {
                queue.FlushNotifications();
                notifyNs = now + NotifyIntervalNs;
            }
        }
    }

    private void ExecuteControl(Virtqueue queue, DescriptorChain chain, long poppedNs)
    {
        var attached = Attached;
        var frames = default(FrameSet);
        _reply.Payload(0);
        var response = GpuCommand.Fetch(chain, out var command);
        if (response == VirtioGpuResponse.OkNoData)
            response = attached.Processor.ExecuteControl(in command, chain, poppedNs, _reply, out frames);
        var header = command.Header;
        var isFlush = command.Type == VirtioGpuCommandType.ResourceFlush;

        // Held before it is presented: the display may settle it at once. A failed one is answered at once.
        var held = header.IsFenced && !frames.IsEmpty && response == VirtioGpuResponse.OkNoData;
        if (held)
            _fences.Hold(chain, _reply.WriteTo(chain, response, in header), in header, poppedNs, in frames);
        if (!frames.IsEmpty && attached.Scanouts.Present(in frames))
            _flood.Superseding();
        if (held)
            return;
        if (header.IsFenced && _fences.IsTooEarly(in header, _display))
        {
            _fences.Hold(chain, _reply.WriteTo(chain, response, in header), in header, poppedNs, default);
            AnswerHeld(); // none of them; but what it waits for is hurried
        }
        else
        {
            Answer(queue, chain, response, in header);
        }

        if (isFlush)
            _statistics.FlushToGuest.Add(attached.Clock.NowNs - poppedNs);
        if (response >= VirtioGpuResponse.Unspecified)
            _log.Refused(command.Type, response, attached.Clock.NowNs);
    }

    private void PumpCursor()
    {
        if (_cursor is not { } queue)
            return;
        var attached = Attached;
        var now = attached.Clock.NowNs;
        if (_cursorPace.IsSpent(now))
        {
            attached.CursorTimer.ArmAt(_cursorPace.ResumeNs);
            return;
        }

        var turnEnd = now + MaxTurnNs;
        queue.DisableKicks();
        for (var commands = 0; ; commands++)
        {
            if (commands == MaxTurnCommands || attached.Clock.NowNs >= turnEnd)
            {
                attached.CursorTimer.ArmIn(0);
                break;
            }

            var chain = RentChain();
            if (!queue.TryPop(chain))
            {
                _freeChains.Push(chain);
                if (!queue.EnableKicks())
                    break;
                queue.DisableKicks();
                continue;
            }

            _reply.Payload(0);
            var response = GpuCommand.Fetch(chain, out var command);
            if (response == VirtioGpuResponse.OkNoData)
                response = attached.Processor.ExecuteCursor(in command);
            Answer(queue, chain, response, command.Header);
            if (response >= VirtioGpuResponse.Unspecified)
                _log.Refused(command.Type, response, attached.Clock.NowNs);
        }

        if (attached.Cursors.Show(attached.Host.Memory))
            _cursorPace.Shown();
        queue.FlushNotifications();
    }

    private void AnswerHeld()
    {
        if (_fences.Count == 0)
            return;
        _fences.Release(_display);
        AnswerDue();
        if (!_pumping)
            _control?.FlushNotifications(); // else the turn interrupts the driver at its end
    }

    private void AnswerDue()
    {
        while (_fences.TryTakeDue(out var answer))
        {
            if (_control is { } queue)
            {
                queue.Push(answer.Chain, answer.WrittenBytes);
                _freeChains.Push(answer.Chain);
                if (answer.IsFlush)
                    _statistics.FlushToGuest.Add(Attached.Clock.NowNs - answer.PoppedNs);
            }

            _fences.Recycle(answer);
        }
    }

    private void Answer(Virtqueue queue, DescriptorChain chain, VirtioGpuResponse response, in GpuHeader request)
    {
        queue.Push(chain, _reply.WriteTo(chain, response, in request));
        _freeChains.Push(chain);
    }

    private DescriptorChain RentChain() => _freeChains.Count > 0 ? _freeChains.Pop() : new DescriptorChain();
}
