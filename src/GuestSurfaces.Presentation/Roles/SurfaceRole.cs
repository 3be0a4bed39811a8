// SPDX-License-Identifier: MIT
using GuestSurfaces.Presentation.Geometry;

namespace GuestSurfaces.Presentation.Roles;

/// <summary>Whom a surface's role tells.</summary>
internal interface ISurfaceRoleOwner
{
    /// <summary>The desktop wants the surface to have a size: the next commit answers that.</summary>
    /// <param name="size">Empty: as we like.</param>
    /// <param name="states">What kind of order it is.</param>
    void OnConfigured(SurfaceSize size, WindowStates states);

    /// <summary>The user wants it closed.</summary>
    void OnCloseWanted();

    /// <summary>The desktop doesn't show it any more, and never will again.</summary>
    void OnLost();
}

/// <summary>
/// What a surface is to the desktop. It is one thing for its life: a guest that is to be something else gets another surface. What a role has no word for (who asks
/// a background for its title?) it leaves unsaid.
/// </summary>
internal abstract class SurfaceRole
{
    /// <summary>Whether there may be a buffer.</summary>
    public bool IsConfigured { get; protected set; }

    /// <summary>
    /// Whether the window may be larger than the surface with the picture, with black bars on other surfaces beside it. Where nobody is told what belongs to a window the surface has to be
    /// as large as it, and a picture of another shape is stretched.
    /// </summary>
    public virtual bool MayHaveBars => false;

    /// <summary>Another title. Counts at once.</summary>
    /// <param name="title">Whole.</param>
    public virtual void SetTitle(string title)
    {
    }

    /// <summary>How small and large the user may make it. With the next commit.</summary>
    /// <param name="natural">The picture's size.</param>
    /// <param name="canScale">Without scaling there is one size only.</param>
    public virtual void SetLimits(SurfaceSize natural, bool canScale)
    {
    }

    /// <summary>Which part of the surface tree the window is. With the next commit.</summary>
    /// <param name="geometry">In the surface's coordinates. Said always: unsaid, a cursor that sticks out would make the window larger.</param>
    public virtual void SetGeometry(SurfaceRect geometry)
    {
    }

    /// <summary>Gives the role up; the surface is destroyed after this.</summary>
    public abstract void Destroy();
}
