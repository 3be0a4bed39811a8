// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>One way of making a wl_buffer out of a storage: a rung of the ladder. Belongs to one connection.</summary>
internal interface IBufferImporter
{
    /// <summary>The part of a view that a wl_buffer for this picture would be: the picture alone where that costs no copy, else the whole view.</summary>
    /// <param name="storage">The pixels.</param>
    /// <param name="view">How to read them.</param>
    /// <param name="source">The picture, inside the view.</param>
    /// <returns>A part around <paramref name="source"/>; empty if there is no way.</returns>
    BufferRect Cover(BufferStorage storage, BufferView view, BufferRect source);

    /// <summary>Makes the wl_buffer, now or when the compositor answers; its user is told in the latter case only.</summary>
    /// <param name="buffer">What to make.</param>
    void Import(SurfaceBuffer buffer);

    /// <summary>A storage closes, or a buffer's surface went: ends what is under way for it.</summary>
    /// <param name="buffer">What isn't wanted any more.</param>
    void Cancel(SurfaceBuffer buffer);

    /// <summary>A storage closes: lets go what was made for it as a whole.</summary>
    /// <param name="storage">Which.</param>
    void Forget(BufferStorage storage);
}
