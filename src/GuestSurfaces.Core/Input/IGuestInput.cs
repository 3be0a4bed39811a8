// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Core.Input;

/// <summary>What a guest has to type and point with.</summary>
public enum InputKind
{
    /// <summary>Its keys have the desktop's codes: the layout is the guest's own business.</summary>
    Keyboard,

    /// <summary>Points at a place of the picture.</summary>
    Pointer,

    /// <summary>Moves by so much: for guests that turn a head instead of moving an arrow. A device of its own, since guests take one that does both for a tablet.</summary>
    Mouse,

    /// <summary>Points at several places of the picture, with fingers.</summary>
    Touch,

    /// <summary>Draws on the picture, with a pen that knows how hard it is pressed and how it is held.</summary>
    Tablet,
}

/// <summary>Several of them.</summary>
[Flags]
public enum InputKinds
{
    /// <summary>Nothing: the guest can only be seen.</summary>
    None = 0,

    /// <summary><see cref="InputKind.Keyboard"/>.</summary>
    Keyboard = 1 << InputKind.Keyboard,

    /// <summary><see cref="InputKind.Pointer"/>.</summary>
    Pointer = 1 << InputKind.Pointer,

    /// <summary><see cref="InputKind.Mouse"/>.</summary>
    Mouse = 1 << InputKind.Mouse,

    /// <summary><see cref="InputKind.Touch"/>.</summary>
    Touch = 1 << InputKind.Touch,

    /// <summary><see cref="InputKind.Tablet"/>.</summary>
    Tablet = 1 << InputKind.Tablet,
}

/// <summary>From one to several.</summary>
public static class InputKindExtensions
{
    /// <summary>This kind alone.</summary>
    /// <param name="kind">Which; what isn't defined is in no set.</param>
    public static InputKinds AsSet(this InputKind kind) => kind is >= InputKind.Keyboard and <= InputKind.Tablet ? (InputKinds)(1 << (int)kind) : InputKinds.None;
}

/// <summary>A guest's devices, where the desktop's events go. Thread: the loop's; calls don't block, and what a guest doesn't take is bounded.</summary>
public interface IGuestInput
{
    /// <summary>What there is.</summary>
    InputKinds Kinds { get; }

    /// <summary>Tells what happened at once.</summary>
    /// <param name="kind">To which device.</param>
    /// <param name="frame">At most <see cref="InputCodes.MaxFrame"/> events, without the frame's end; borrowed.</param>
    void Send(InputKind kind, ReadOnlySpan<InputEvent> frame);

    /// <summary>Nobody uses the device any more: what is pressed is released.</summary>
    /// <param name="kind">Which.</param>
    void Release(InputKind kind);
}
