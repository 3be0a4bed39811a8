// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Wayland;

/// <summary>
/// Shells for objects that live for about a frame. An object that died is a shell again, so nothing has to be given back: renting finds
/// one that is free. Meant for a handful; allocates only when all are alive.
/// </summary>
/// <typeparam name="T">The proxy class.</typeparam>
public sealed class ProxyPool<T>
    where T : WaylandProxy, IProxyType<T>
{
    private readonly List<T> _shells = [];
    private int _next;

    /// <summary>How many exist.</summary>
    public int Count => _shells.Count;

    /// <summary>A shell that isn't alive. Use it at once: until then it counts as free. Its listener is the last user's.</summary>
    public T Rent()
    {
        // Frames end in the order in which they began: the next one after the last is nearly always free.
        for (var i = 0; i < _shells.Count; i++)
        {
            var shell = _shells[(_next + i) % _shells.Count];
            if (!shell.IsAlive)
            {
                _next = (_next + i + 1) % _shells.Count;
                return shell;
            }
        }

        var added = T.CreateShell();
        _shells.Add(added);
        return added;
    }
}
