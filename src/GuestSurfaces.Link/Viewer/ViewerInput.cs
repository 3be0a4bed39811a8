// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Link.Wire;

namespace GuestSurfaces.Link.Viewer;

/// <summary>What the user does with one device, on its way to the source: what its socket doesn't take waits, bounded.</summary>
internal sealed class ViewerInput(InputKind kind)
{
    private static readonly int s_maxBytes = MessageHead.Bytes + Unsafe.SizeOf<InputBody>() + (InputCodes.MaxFrame * Unsafe.SizeOf<WireInputEvent>());

    private readonly PendingInput _pending = new();
    private readonly WireInputEvent[] _frame = new WireInputEvent[InputCodes.MaxFrame];
    private int _scanout; // the newest: what waits for a full socket was meant for the same one, almost always

    /// <summary>Takes what happened at once.</summary>
    public void Add(int scanout, ReadOnlySpan<InputEvent> frame)
    {
        _scanout = scanout;
        _pending.Add(frame);
    }

    /// <summary>Releases what is pressed.</summary>
    public void AddReleases() => _pending.AddReleases();

    /// <summary>Another source, or another viewer is in charge.</summary>
    public void Forget() => _pending.Forget();

    /// <summary>Writes what waits.</summary>
    /// <returns>False if not all of it fits.</returns>
    public bool Write(LinkWriter writer)
    {
        while (!_pending.IsEmpty)
        {
            if (!writer.HasRoom(s_maxBytes))
                return false;

            // A summary of much that was missed may be longer than a frame: then it is several.
            var count = 0;
            while (count < _frame.Length && _pending.TryTake(out var e) && e.Type != InputEventType.Synchronization)
                _frame[count++] = new WireInputEvent { Type = (ushort)e.Type, Code = e.Code, Value = e.Value };
            if (count == 0)
                continue; // what follows such a one: its end
            writer.Begin(LinkOpcode.Input, (uint)_scanout);
            writer.Put(new InputBody { Kind = (uint)kind, Events = (uint)count });
            for (var i = 0; i < count; i++)
                writer.Put(in _frame[i]);
            writer.End();
        }

        return true;
    }
}
