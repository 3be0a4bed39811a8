// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Sessions;

namespace GuestSurfaces.Testing.Link;

/// <summary>Keeps the books of a guest's frames: whoever answers one that doesn't wait is caught, and so is whoever forgets one.</summary>
public sealed class AnswerBook : IDisplayEvents
{
    private readonly Dictionary<int, SortedSet<ulong>> _waiting = [];

    /// <summary>How many frames wait for an answer.</summary>
    public int Waiting => _waiting.Values.Sum(static serials => serials.Count);

    /// <summary>The guest presents a frame.</summary>
    public void Expect(int scanout, ulong serial) => Of(scanout).Add(serial);

    void IDisplayEvents.Committed(int scanout, ulong serial)
    {
    }

    void IDisplayEvents.Latched(int scanout, ulong serial, long timeNs)
    {
        Settle(scanout, serial);
        Of(scanout).RemoveWhere(earlier => earlier < serial); // settled with it
    }

    void IDisplayEvents.Superseded(int scanout, ulong serial) => Settle(scanout, serial);

    void IDisplayEvents.ModeWanted(int scanout, in OutputMode mode)
    {
    }

    void IDisplayEvents.CloseWanted(int scanout)
    {
    }

    void IDisplayEvents.Input(int scanout, InputKind kind, ReadOnlySpan<InputEvent> frame)
    {
        if (frame.IsEmpty || frame.Length > InputCodes.MaxFrame || kind > InputKind.Tablet)
            throw new InvalidOperationException($"{frame.Length} events of {kind}");
        foreach (var e in frame)
        {
            if (!e.IsKnown)
                throw new InvalidOperationException($"{e} reaches the guest's devices");
        }
    }

    private SortedSet<ulong> Of(int scanout) => _waiting.TryGetValue(scanout, out var serials) ? serials : _waiting[scanout] = [];

    private void Settle(int scanout, ulong serial)
    {
        if (!Of(scanout).Remove(serial))
            throw new InvalidOperationException($"frame {serial} of scanout {scanout} was answered although it doesn't wait");
    }
}
