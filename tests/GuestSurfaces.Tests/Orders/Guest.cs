// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Virtio.Gpu;

namespace GuestSurfaces.Tests.Orders;

/// <summary>How a guest's pixels get to the screen.</summary>
internal enum Way
{
    /// <summary>Blobs whose pages are shown as they are.</summary>
    Direct,

    /// <summary>The same with a compositor that answers imports when it refreshes, not at once.</summary>
    LateDirect,

    /// <summary>2D resources: rows are copied when the guest says so.</summary>
    Copy,

    /// <summary>Blobs whose rows are copied with every flush.</summary>
    CopiedBlob,

    /// <summary>2D resources whose pages are shown as they are.</summary>
    Alias,
}

/// <summary>What runs in a VM: a desktop that flips between two framebuffers, with a cursor on them. It waits for no answer.</summary>
/// <param name="vm">Where it runs.</param>
/// <param name="way">What its framebuffers are.</param>
/// <param name="lastPicture">Its pictures are numbered from the next on, so that none is taken for an earlier one.</param>
internal sealed class Guest(Vm vm, Way way, uint lastPicture)
{
    /// <summary>Width and height of its screen, in pixels.</summary>
    public const int Side = 64;

    private const int CursorSide = 8;
    private const uint Bytes = Side * Side * 4;
    private const uint CursorId = 100;
    private static readonly WireRect s_whole = new(0, 0, Side, Side);

    private readonly Dictionary<uint, uint> _pictures = [];
    private uint _lastPicture = lastPicture;
    private uint _lastId;
    private uint _shown;
    private uint _other;
    private ulong _fence;

    public Vm Vm => vm;

    private bool IsBlob => way is Way.Direct or Way.LateDirect or Way.CopiedBlob;

    /// <summary>Whether a screen shows the newest framebuffer, as far as the cursor doesn't cover it.</summary>
    public bool IsOn(uint[] screen)
    {
        for (var i = 0; i < Side * (Side - CursorSide); i++)
        {
            if (screen[i] != Pixel(_pictures[_shown], i))
                return false;
        }

        return screen.Length == Side * Side;
    }

    /// <summary>Its driver starts, makes framebuffers and a cursor, and shows the first of them.</summary>
    public void Boot()
    {
        vm.Boot();
        (_lastId, _shown) = (0, 0); // the device has forgotten everything
        ShowNew();
        _other = Make();
        vm.Create2D(CursorId, CursorSide, CursorSide, format: 1);
        vm.Attach(CursorId, new GuestPages(PixelsOf(CursorId), Bytes));
        Post(VirtioGpuCommandType.TransferToHost2D, 0, 0, CursorSide, CursorSide, 0, 0, CursorId, 0);
        vm.SendCursor(VirtioGpuCommandType.UpdateCursor, 0, Side - CursorSide, Side - CursorSide, CursorId);
    }

    /// <summary>Makes another framebuffer and shows it.</summary>
    public void ShowNew()
    {
        _other = _shown;
        Show(_shown = Make());
    }

    /// <summary>Shows the other framebuffer, and asks to be told when it may draw into this one.</summary>
    public void Flip()
    {
        (_shown, _other) = (_other, _shown);
        Show(_shown);
    }

    /// <summary>Destroys the framebuffer that is shown.</summary>
    public void Destroy() => Post(VirtioGpuCommandType.ResourceUnref, _shown, 0);

    private static ulong PixelsOf(uint id) => GpuDriver.Pixels + (id % 16 * Bytes);

    private static uint Pixel(uint picture, int i) => (picture * 0x10000) + (uint)i;

    private uint Make()
    {
        var id = ++_lastId;
        var picture = _pictures[id] = ++_lastPicture;
        var pixels = new uint[Side * Side];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = Pixel(picture, i);
        vm.Draw(PixelsOf(id), pixels);
        var pages = new GuestPages(PixelsOf(id), Bytes);
        if (IsBlob)
        {
            vm.CreateBlob(id, Bytes, pages);
            return id;
        }

        vm.Create2D(id, Side, Side);
        vm.Attach(id, pages);
        return id;
    }

    private void Show(uint id)
    {
        if (IsBlob)
            Post(VirtioGpuCommandType.SetScanoutBlob, 0, 0, Side, Side, 0, id, Side, Side, 2, 0, Side * 4, 0, 0, 0, 0, 0, 0, 0);
        else
            Post(VirtioGpuCommandType.SetScanout, 0, 0, Side, Side, 0, id);
        if (!IsBlob)
            Post(VirtioGpuCommandType.TransferToHost2D, 0, 0, Side, Side, 0, 0, id, 0);
        vm.FlushFenced(id, s_whole, ++_fence);
    }

    private void Post(VirtioGpuCommandType type, params ReadOnlySpan<uint> words)
    {
        vm.Post((uint)type, GpuDriver.Words(words));
        vm.Kick();
    }
}
