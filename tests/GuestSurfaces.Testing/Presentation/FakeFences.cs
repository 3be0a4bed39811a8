// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>Fences for tests, as files that are told apart by what they are and not by their number, as the kernel does. A test signals them.</summary>
public sealed class FakeFences : IDisposable
{
    private readonly List<FakeFence> _all = [];

    /// <summary>A fence that hasn't signalled.</summary>
    public FakeFence Create()
    {
        var fence = new FakeFence();
        _all.Add(fence);
        return fence;
    }

    /// <summary>Which fence a file is; null if it is none.</summary>
    public FakeFence? Find(FdHandle file)
    {
        var identity = file.GetIdentity();
        return _all.Find(fence => fence.Identity == identity);
    }

    public void Dispose()
    {
        foreach (var fence in _all)
            fence.Dispose();
    }
}

/// <summary>One fence: a socket that can be read from once it has signalled.</summary>
public sealed class FakeFence : IDisposable
{
    private readonly UnixSocketHandle _signaller;
    private readonly UnixSocketHandle _file;

    internal FakeFence()
    {
        (_signaller, _file) = UnixSocketHandle.CreatePair(nonBlocking: true);
        Identity = _file.GetIdentity();
    }

    public FileIdentity Identity { get; }

    public bool IsSignalled { get; private set; }

    /// <summary>Who waits for it; called once.</summary>
    public List<Action> Waiting { get; } = [];

    /// <summary>A descriptor to give away.</summary>
    public SyncFileHandle Open() => _file.Duplicate<SyncFileHandle>();

    public void Signal()
    {
        if (IsSignalled)
            return;
        IsSignalled = true;
        _signaller.Dispose(); // the other end is readable from now on
        var waiting = Waiting.ToArray();
        Waiting.Clear();
        foreach (var action in waiting)
            action();
    }

    public void Dispose()
    {
        _signaller.Dispose();
        _file.Dispose();
    }
}
