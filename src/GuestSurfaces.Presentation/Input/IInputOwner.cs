// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Input;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Input;

/// <summary>Whom seats tell.</summary>
internal interface IInputOwner
{
    /// <summary>What the guest has to type and point with.</summary>
    InputKinds Takes { get; }

    /// <summary>What begins and ends a grab.</summary>
    GrabChord GrabChord { get; }

    /// <summary>What a surface shows.</summary>
    /// <param name="surface">As an event names it; null if it is gone.</param>
    /// <returns>The scanout and how large its picture is there, or null: no picture of the guest's.</returns>
    (int Scanout, SurfaceSize Size)? PictureOn(WlSurface? surface);

    /// <summary>The user has done something to a guest's picture.</summary>
    /// <param name="scanout">Whose.</param>
    /// <param name="kind">With what.</param>
    /// <param name="frame">What happened at once.</param>
    void OnInput(int scanout, InputKind kind, ReadOnlySpan<InputEvent> frame);

    /// <summary>A pointer has come to a surface, or left it: who shows the guest's cursor there has changed.</summary>
    /// <param name="surface">Which.</param>
    void OnPointed(WlSurface surface);

    /// <summary>A seat's keyboard, pointer, fingers or pen have left the pictures.</summary>
    /// <param name="kind">What.</param>
    void OnInputLeft(InputKind kind);

    /// <summary>The guest has keyboard and mouse for itself.</summary>
    /// <param name="scanout">In whose window.</param>
    void OnGrabbed(int scanout);

    /// <summary>It hasn't any more.</summary>
    /// <param name="scanout">In whose window.</param>
    /// <param name="reason">Why, without a full stop.</param>
    void OnGrabEnded(int scanout, string reason);

    /// <summary>The user wants it to have them, and it can't.</summary>
    /// <param name="reason">Why, without a full stop.</param>
    void OnGrabRefused(string reason);
}
