// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Input;

namespace GuestSurfaces.Virtio.Input;

/// <summary>A guest's keyboard and pointer. Each is a device of its own to the VMM, with a socket of its own; those it doesn't connect hear nothing.</summary>
public sealed class GuestInputDevices : IGuestInput
{
    private readonly VirtioInputDevice[] _devices = [new VirtioInputDevice(InputProfile.Keyboard), new VirtioInputDevice(InputProfile.Pointer)];

    /// <summary>One of them.</summary>
    /// <param name="kind">Which.</param>
    public VirtioInputDevice this[InputKind kind] => _devices[(int)kind];

    /// <inheritdoc/>
    public void Send(InputKind kind, ReadOnlySpan<InputEvent> frame) => this[kind].Send(frame);

    /// <inheritdoc/>
    public void Release(InputKind kind) => this[kind].ReleaseAll();
}
