// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Input;

namespace GuestSurfaces.Core.Sessions;

/// <summary>What a scanout should look like to the guest: sent down when the window or the output changes.</summary>
/// <param name="Size">In pixels; empty: the one that it has.</param>
/// <param name="RefreshMilliHz">60 Hz is 60000; 0 if unknown.</param>
/// <param name="WidthMm">Physical width; 0 if unknown.</param>
/// <param name="HeightMm">Physical height; 0 if unknown.</param>
/// <param name="Enabled">Whether a monitor is connected there.</param>
public readonly record struct OutputMode(BufferSize Size, int RefreshMilliHz, int WidthMm, int HeightMm, bool Enabled);

/// <summary>A cursor image.</summary>
/// <param name="Storage">Premultiplied ARGB8888, rows of Size.Width * 4 bytes; locked once for this image. Null hides the cursor.</param>
/// <param name="Size">In pixels.</param>
/// <param name="HotX">Hotspot from the left.</param>
/// <param name="HotY">Hotspot from the top.</param>
public readonly record struct CursorImage(BufferStorage? Storage, BufferSize Size, int HotX, int HotY);

/// <summary>How a frame came to the screen, as wp_presentation tells it.</summary>
/// <param name="TimeNs">When its first pixel was shown: CLOCK_MONOTONIC.</param>
/// <param name="RefreshNs">Until the output can show another one; 0: unknown, or it varies.</param>
/// <param name="IsZeroCopy">Whether the screen reads the buffer itself: nothing was drawn.</param>
public readonly record struct FramePresentation(long TimeNs, long RefreshNs, bool IsZeroCopy);

/// <summary>
/// The way up: from a transport (the guest's side) to whatever shows pictures. Implemented by the presenter, by the link, and by
/// <see cref="Session"/>, which stands between. Thread: the loop's; calls don't block and don't throw because of a guest.
/// </summary>
public interface IGuestDisplay
{
    /// <summary>Shows a frame on a scanout. A frame that wasn't committed yet is superseded; the damage of both counts.</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="frame">Taken over: its lock and its fence are the display's from here on.</param>
    void Present(int scanout, in GuestFrame frame);

    /// <summary>The guest turned a scanout off: its window goes. Frames not yet committed are superseded.</summary>
    /// <param name="scanout">0 to 15.</param>
    void Disable(int scanout);

    /// <summary>The guest's driver is gone, for a reboot or for good, without turning the scanout off: its last picture stays until something else is known.</summary>
    /// <param name="scanout">0 to 15.</param>
    void Suspend(int scanout) => Disable(scanout);

    /// <summary>The guest turned its only scanout off (a blanked screen): the window stays, black.</summary>
    /// <param name="scanout">0 to 15.</param>
    void Blank(int scanout);

    /// <summary>Sets the cursor's image and place on a scanout.</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="image">Taken over: its lock is the display's.</param>
    /// <param name="x">Place of the hotspot in scanout pixels; may be negative.</param>
    /// <param name="y">Likewise.</param>
    void SetCursor(int scanout, in CursorImage image, int x, int y);

    /// <summary>Moves the cursor.</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="x">Place of the hotspot in scanout pixels.</param>
    /// <param name="y">Likewise.</param>
    void MoveCursor(int scanout, int x, int y);

    /// <summary>Whether nothing that was shown before a frame is read any more: then its answer endangers nothing, whatever becomes of the frame itself.</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="serial">The frame's.</param>
    bool IsFreeBefore(int scanout, ulong serial) => true;

    /// <summary>Something can't wait for a frame's answer as long as that may take: it is given after one more refresh at the latest.</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="serial">The frame's; those before it, too.</param>
    void Hurry(int scanout, ulong serial)
    {
    }
}

/// <summary>The way down: what a display tells about the frames it was given. Implemented by <see cref="Session"/> and the link.</summary>
public interface IDisplayEvents
{
    /// <summary>The frame went to the compositor (wl_surface.commit).</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="serial">The frame's.</param>
    void Committed(int scanout, ulong serial);

    /// <summary>The same, told later: by a display in another process.</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="serial">The frame's.</param>
    /// <param name="timeNs">When, CLOCK_MONOTONIC.</param>
    void CommittedAt(int scanout, ulong serial, long timeNs) => Committed(scanout, serial);

    /// <summary>The compositor took the frame for its next refresh, or showed it; all earlier frames of this scanout are settled too.</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="serial">The frame's.</param>
    /// <param name="timeNs">When, CLOCK_MONOTONIC.</param>
    void Latched(int scanout, ulong serial, long timeNs);

    /// <summary>The frame was on the screen. Told by compositors that have wp_presentation alone, perhaps long after it was latched.</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="serial">The frame's.</param>
    /// <param name="presentation">When and how.</param>
    void Presented(int scanout, ulong serial, in FramePresentation presentation)
    {
    }

    /// <summary>A later frame took this one's place before it was committed, or the scanout went away.</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="serial">The frame's.</param>
    void Superseded(int scanout, ulong serial);

    /// <summary>The user or the desktop wants another size or refresh rate.</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="mode">What it wants.</param>
    void ModeWanted(int scanout, in OutputMode mode);

    /// <summary>The user closed a scanout's window.</summary>
    /// <param name="scanout">0 to 15.</param>
    void CloseWanted(int scanout);

    /// <summary>Somebody has opened the guest's display anew: the windows that its user had closed come back.</summary>
    void Opened()
    {
    }

    /// <summary>How fast the output refreshes that shows a scanout: how long a flip may be held. No wish for another mode.</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="refreshMilliHz">60 Hz is 60000.</param>
    void RefreshKnown(int scanout, int refreshMilliHz)
    {
    }

    /// <summary>The compositor can't show this storage, now or later: frames are wanted in shared memory. Its frame is superseded too.</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="storage">Which; borrowed for the call.</param>
    /// <param name="reason">Why, without a full stop.</param>
    void BufferRefused(int scanout, BufferStorage storage, string reason)
    {
    }

    /// <summary>What this display can show has changed: another compositor, another GPU, new dma-buf feedback. What it refused is worth another try.</summary>
    void DisplayChanged()
    {
    }

    /// <summary>The user has typed, pointed or clicked.</summary>
    /// <param name="scanout">0 to 15: in whose window. Absolute axes are of its picture.</param>
    /// <param name="kind">With what.</param>
    /// <param name="frame">What happened at once: at most <see cref="InputCodes.MaxFrame"/> events of known codes, without the frame's end; borrowed.</param>
    void Input(int scanout, InputKind kind, ReadOnlySpan<InputEvent> frame)
    {
    }

    /// <summary>The user's keyboard, pointer or fingers are elsewhere now, or the display is gone: nothing stays pressed. Told once too often rather than not at all.</summary>
    /// <param name="kind">What.</param>
    void InputLeft(InputKind kind)
    {
    }
}

/// <summary>The guest's side: what a transport is told. Every frame is answered exactly once, by <see cref="FrameSettled"/>.</summary>
public interface IGuestTransport
{
    /// <summary>
    /// The frame with this serial, and every earlier one of its scanout, needs no more waiting: it was latched or superseded and the dma-bufs of the frames
    /// before it aren't read any more, or it has timed out.
    /// </summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="serial">The frame's.</param>
    void FrameSettled(int scanout, ulong serial);

    /// <summary>Something that was shown isn't read any more: <see cref="IGuestDisplay.IsFreeBefore"/> may say something else now. Told after what it has settled.</summary>
    /// <param name="scanout">0 to 15.</param>
    void BuffersFreed(int scanout)
    {
    }

    /// <summary>The guest should see another monitor on this scanout.</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="mode">Its mode.</param>
    void SetMode(int scanout, in OutputMode mode);

    /// <summary>Frames in this storage can't be shown: draw into shared memory instead (the copy rung).</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="storage">Which; borrowed for the call.</param>
    /// <param name="reason">Why, without a full stop.</param>
    void BufferRefused(int scanout, BufferStorage storage, string reason)
    {
    }

    /// <summary>Another display, or other rules of the same (new dma-buf feedback): whatever was refused may be tried again.</summary>
    void DisplayChanged()
    {
    }

    /// <summary>
    /// The guest draws into its pages while they are shown, because nobody shows its flips in time or gives its buffers back: frames of this scanout are wanted as copies. What is on screen
    /// now, too. Not the time to present: the caller is in the middle of something.
    /// </summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="reason">Why, without a full stop; null: that is over, the pages may be shown again.</param>
    void CopiesWanted(int scanout, string? reason)
    {
    }
}
