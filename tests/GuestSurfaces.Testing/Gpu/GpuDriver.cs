// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Virtio.Gpu;

namespace GuestSurfaces.Testing.Gpu;

/// <summary>A guest's GPU driver that says exactly what a test wants, through real rings in RAM that the test sees. How the device hears of its kicks is the subclass's.</summary>
/// <param name="memory">The guest's RAM, as the test sees it.</param>
public abstract class GpuDriver(GuestMemory memory)
{
    /// <summary>Where tests put page lists; below it are the rings.</summary>
    public const ulong PageLists = 8UL << 20;

    /// <summary>Where tests put pixels.</summary>
    public const ulong Pixels = 16UL << 20;

    private readonly byte[] _request = new byte[96];

    public GuestMemory Memory { get; } = memory;

    public abstract DriverQueue Control { get; }

    public abstract DriverQueue Cursor { get; }

    /// <summary>Posts a control command, with any header.</summary>
    public int Post(uint type, ReadOnlySpan<byte> body, ulong fence = 0, ulong pageList = 0, uint pageListBytes = 0, int replyBytes = 2048, uint flags = 0, uint context = 0, byte ring = 0)
    {
        var request = Compose(type, body, fence, flags, context, ring);
        return Control.Post(request, pageList, pageListBytes, replyBytes);
    }

    /// <summary>Kicks the control queue and takes what was answered.</summary>
    public void Kick()
    {
        Notify(0);
        Control.Collect();
    }

    /// <summary>Sends a control command and takes its answer, which must come at once.</summary>
    public GpuAnswer Send(uint type, ReadOnlySpan<byte> body, ulong fence = 0, ulong pageList = 0, uint pageListBytes = 0, int replyBytes = 2048, uint flags = 0, uint context = 0, byte ring = 0)
    {
        var slot = Post(type, body, fence, pageList, pageListBytes, replyBytes, flags, context, ring);
        Kick();
        if (Control.IsPending(slot))
            throw new InvalidOperationException($"command 0x{type:x} was not answered");
        return Answer(slot);
    }

    /// <summary>Sends a cursor command as Linux does: without room for an answer.</summary>
    public void SendCursor(VirtioGpuCommandType type, uint scanout, int x, int y, uint resource, uint hotX = 0, uint hotY = 0)
    {
        PostCursor(type, scanout, x, y, resource, hotX, hotY);
        KickCursor();
    }

    public int PostCursor(VirtioGpuCommandType type, uint scanout, int x, int y, uint resource, uint hotX = 0, uint hotY = 0, int replyBytes = 0) =>
        Cursor.Post(Compose((uint)type, Words(scanout, (uint)x, (uint)y, 0, resource, hotX, hotY, 0), 0, 0, 0, 0), 0, 0, replyBytes);

    public void KickCursor()
    {
        Notify(1);
        Cursor.Collect();
    }

    /// <summary>An answer of a control slot.</summary>
    public GpuAnswer Answer(int slot) => Answer(Control, slot);

    public static GpuAnswer Answer(DriverQueue queue, int slot)
    {
        ArgumentNullException.ThrowIfNull(queue);
        var length = queue.UsedLength(slot);
        var bytes = new byte[Math.Max(length, 24)];
        queue.ReadReply(slot, bytes.AsSpan(0, (int)length));
        return new GpuAnswer(
            (VirtioGpuResponse)BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(4)),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(8)),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(16)),
            bytes[20],
            length,
            bytes[24..]);
    }

    public VirtioGpuResponse Create2D(uint id, uint width, uint height, uint format = 2) =>
        Send((uint)VirtioGpuCommandType.ResourceCreate2D, Words(id, format, width, height)).Type;

    public VirtioGpuResponse Attach(uint id, params ReadOnlySpan<GuestPages> pages) =>
        Send((uint)VirtioGpuCommandType.ResourceAttachBacking, Words(id, (uint)pages.Length), 0, PageLists, WritePages(pages)).Type;

    public VirtioGpuResponse Detach(uint id) => Send((uint)VirtioGpuCommandType.ResourceDetachBacking, Words(id, 0)).Type;

    public VirtioGpuResponse Unref(uint id) => Send((uint)VirtioGpuCommandType.ResourceUnref, Words(id, 0)).Type;

    public VirtioGpuResponse SetScanout(uint scanout, uint id, WireRect rect) =>
        Send((uint)VirtioGpuCommandType.SetScanout, Words(rect.X, rect.Y, rect.Width, rect.Height, scanout, id)).Type;

    public VirtioGpuResponse Transfer(uint id, WireRect rect, ulong offset, ulong fence = 0) =>
        Send((uint)VirtioGpuCommandType.TransferToHost2D, Words(rect.X, rect.Y, rect.Width, rect.Height, (uint)offset, (uint)(offset >> 32), id, 0), fence).Type;

    public VirtioGpuResponse Flush(uint id, WireRect rect) => Send((uint)VirtioGpuCommandType.ResourceFlush, Words(rect.X, rect.Y, rect.Width, rect.Height, id, 0)).Type;

    /// <summary>Posts a fenced flush and kicks; it may be held.</summary>
    public int FlushFenced(uint id, WireRect rect, ulong fence)
    {
        var slot = Post((uint)VirtioGpuCommandType.ResourceFlush, Words(rect.X, rect.Y, rect.Width, rect.Height, id, 0), fence);
        Kick();
        return slot;
    }

    public VirtioGpuResponse CreateBlob(uint id, ulong size, params ReadOnlySpan<GuestPages> pages) => CreateBlob(id, size, memory: 1, flags: 2, pages);

    public VirtioGpuResponse CreateBlob(uint id, ulong size, uint memory, uint flags, ReadOnlySpan<GuestPages> pages) => Send(
        (uint)VirtioGpuCommandType.ResourceCreateBlob, Words(id, memory, flags, (uint)pages.Length, 0, 0, (uint)size, (uint)(size >> 32)), 0, PageLists, WritePages(pages)).Type;

    public VirtioGpuResponse SetScanoutBlob(uint scanout, uint id, WireRect rect, uint width, uint height, uint stride, uint offset = 0, uint format = 2) => Send(
        (uint)VirtioGpuCommandType.SetScanoutBlob,
        Words(rect.X, rect.Y, rect.Width, rect.Height, scanout, id, width, height, format, 0, stride, 0, 0, 0, offset, 0, 0, 0)).Type;

    /// <summary>Makes a 2D resource with contiguous pages and shows it whole.</summary>
    public void Show2D(uint id, uint width, uint height, ulong address = Pixels, uint scanout = 0)
    {
        Require(Create2D(id, width, height));
        Require(Attach(id, new GuestPages(address, width * height * 4)));
        Require(SetScanout(scanout, id, new WireRect(0, 0, width, height)));
    }

    /// <summary>Makes a blob with contiguous pages and shows it whole.</summary>
    public void ShowBlob(uint id, uint width, uint height, ulong address = Pixels, uint scanout = 0)
    {
        Require(CreateBlob(id, width * height * 4, new GuestPages(address, width * height * 4)));
        Require(SetScanoutBlob(scanout, id, new WireRect(0, 0, width, height), width, height, width * 4));
    }

    public static void Require(VirtioGpuResponse response)
    {
        if (response != VirtioGpuResponse.OkNoData)
            throw new InvalidOperationException($"the device answered {response}");
    }

    /// <summary>Draws into guest RAM.</summary>
    public void Draw(ulong address, ReadOnlySpan<uint> pixels) => Write(address, MemoryMarshal.AsBytes(pixels));

    public void Write(ulong address, ReadOnlySpan<byte> bytes)
    {
        if (!Memory.TryWrite(address, bytes))
            throw new InvalidOperationException("outside the test's guest RAM");
    }

    /// <summary>Writes a page list.</summary>
    /// <returns>Its length in bytes.</returns>
    public uint WritePages(ReadOnlySpan<GuestPages> pages)
    {
        Span<byte> entry = stackalloc byte[16];
        for (var i = 0; i < pages.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(entry, pages[i].Address);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], pages[i].Length);
            entry[12..].Clear();
            Write(PageLists + ((ulong)i * 16), entry);
        }

        return (uint)pages.Length * 16;
    }

    /// <summary>Little-endian words: a command's body.</summary>
    public static byte[] Words(params ReadOnlySpan<uint> words) => MemoryMarshal.AsBytes(words).ToArray();

    /// <summary>A request's bytes; valid until the next.</summary>
    public ReadOnlySpan<byte> Compose(uint type, ReadOnlySpan<byte> body, ulong fence, uint flags, uint context, byte ring)
    {
        var request = _request.AsSpan(0, 24 + body.Length);
        request.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(request, type);
        BinaryPrimitives.WriteUInt32LittleEndian(request[4..], flags != 0 ? flags : fence != 0 ? 1u : 0);
        BinaryPrimitives.WriteUInt64LittleEndian(request[8..], fence);
        BinaryPrimitives.WriteUInt32LittleEndian(request[16..], context);
        request[20] = ring;
        body.CopyTo(request[24..]);
        return request;
    }

    /// <summary>Kicks a queue; the device may answer at once.</summary>
    /// <param name="queue">0 control, 1 cursor.</param>
    protected abstract void Notify(int queue);
}
