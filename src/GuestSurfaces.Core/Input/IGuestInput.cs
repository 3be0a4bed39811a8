// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Core.Input;

/// <summary>What a guest has to type and point with.</summary>
public enum InputKind
{
    /// <summary>Its keys have the desktop's codes: the layout is the guest's own business.</summary>
    Keyboard,

    /// <summary>Points at a place of the picture.</summary>
    Pointer,
}

/// <summary>A guest's devices, where the desktop's events go. Thread: the loop's; calls don't block, and what a guest doesn't take is bounded.</summary>
public interface IGuestInput
{
    /// <summary>Tells what happened at once.</summary>
    /// <param name="kind">To which device.</param>
    /// <param name="frame">At most <see cref="InputCodes.MaxFrame"/> events, without the frame's end; borrowed.</param>
    void Send(InputKind kind, ReadOnlySpan<InputEvent> frame);

    /// <summary>Nobody uses the device any more: what is pressed is released.</summary>
    /// <param name="kind">Which.</param>
    void Release(InputKind kind);
}
