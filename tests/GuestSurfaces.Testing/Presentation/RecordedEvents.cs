// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Sessions;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>Remembers what a display told.</summary>
public sealed class RecordedEvents : IDisplayEvents
{
    public List<ulong> Committed { get; } = [];

    public List<(ulong Serial, long TimeNs)> Latched { get; } = [];

    public List<(int Scanout, ulong Serial, FramePresentation Presentation)> Presented { get; } = [];

    public List<ulong> Superseded { get; } = [];

    public List<OutputMode> Modes { get; } = [];

    public List<int> Closes { get; } = [];

    public List<int> Refreshes { get; } = [];

    public List<string> Refusals { get; } = [];

    /// <summary>What the user did: each frame, where and with what.</summary>
    public List<(int Scanout, InputKind Kind, InputEvent[] Frame)> Inputs { get; } = [];

    public List<InputKind> InputsLeft { get; } = [];

    public int DisplayChanges { get; private set; }

    public IEnumerable<ulong> Settled => Latched.Select(static l => l.Serial).Concat(Superseded);

    void IDisplayEvents.Committed(int scanout, ulong serial) => Committed.Add(serial);

    void IDisplayEvents.Latched(int scanout, ulong serial, long timeNs) => Latched.Add((serial, timeNs));

    void IDisplayEvents.Presented(int scanout, ulong serial, in FramePresentation presentation) => Presented.Add((scanout, serial, presentation));

    void IDisplayEvents.Superseded(int scanout, ulong serial) => Superseded.Add(serial);

    void IDisplayEvents.ModeWanted(int scanout, in OutputMode mode) => Modes.Add(mode);

    void IDisplayEvents.CloseWanted(int scanout) => Closes.Add(scanout);

    void IDisplayEvents.RefreshKnown(int scanout, int refreshMilliHz) => Refreshes.Add(refreshMilliHz);

    void IDisplayEvents.BufferRefused(int scanout, BufferStorage storage, string reason) => Refusals.Add(reason);

    void IDisplayEvents.Input(int scanout, InputKind kind, ReadOnlySpan<InputEvent> frame) => Inputs.Add((scanout, kind, frame.ToArray()));

    void IDisplayEvents.InputLeft(InputKind kind) => InputsLeft.Add(kind);

    void IDisplayEvents.DisplayChanged() => DisplayChanges++;
}
