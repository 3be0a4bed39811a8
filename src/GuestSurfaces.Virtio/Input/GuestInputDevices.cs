// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Input;

namespace GuestSurfaces.Virtio.Input;

/// <summary>What a guest has to type and point with. Each is a device of its own to the VMM, with a socket of its own; those it doesn't connect hear nothing.</summary>
/// <param name="kinds">Which the guest is to have.</param>
public sealed class GuestInputDevices(InputKinds kinds) : IGuestInput
{
    private readonly VirtioInputDevice[] _devices = [.. Enum.GetValues<InputKind>().Select(static kind => new VirtioInputDevice(InputProfile.Of(kind)))];

    /// <inheritdoc/>
    public InputKinds Kinds { get; } = kinds;

    /// <summary>One of them.</summary>
    /// <param name="kind">Which.</param>
    public VirtioInputDevice this[InputKind kind] => _devices[(int)kind];

    /// <inheritdoc/>
    public void Send(InputKind kind, ReadOnlySpan<InputEvent> frame) => this[kind].Send(frame);

    /// <inheritdoc/>
    public void Release(InputKind kind) => this[kind].ReleaseAll();
}
