// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>zwp_linux_dmabuf_v1, which takes any file for a dma-buf.</summary>
public sealed class FakeDmabuf : IZwpLinuxDmabufV1Requests
{
    private readonly FakeCompositor _compositor;
    private readonly List<Params> _held = [];

    public FakeDmabuf(FakeCompositor compositor, ZwpLinuxDmabufV1Resource resource)
    {
        _compositor = compositor;
        resource.Handler = this;
        if (resource.Version >= 4)
            return;
        foreach (var (format, modifier) in compositor.Options.DmabufPairs)
            resource.SendModifier(format.Fourcc, (uint)(modifier.Value >> 32), (uint)modifier.Value);
    }

    public int Imports { get; private set; }

    public int HeldImports => _held.Count;

    /// <summary>Answers the imports that were held back.</summary>
    public void AnswerImports(bool refuse = false)
    {
        foreach (var held in _held)
            held.Answer(refuse);
        _held.Clear();
        _compositor.Client.Flush();
    }

    void IZwpLinuxDmabufV1Requests.OnCreateParams(ZwpLinuxDmabufV1Resource sender, ZwpLinuxBufferParamsV1Resource paramsId) => paramsId.Handler = new Params(this, paramsId);

    void IZwpLinuxDmabufV1Requests.OnGetDefaultFeedback(ZwpLinuxDmabufV1Resource sender, ZwpLinuxDmabufFeedbackV1Resource id)
    {
        // One entry ahead that no tranche names, so that indices matter.
        var table = new List<ulong> { DrmFormat.Argb8888.Fourcc, 0x0102_0304_0506_0708 };
        foreach (var (format, modifier) in _compositor.Options.DmabufPairs)
            table.AddRange([format.Fourcc, modifier.Value]);
        var bytes = MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(table));
        var file = MemFdHandle.TryCreateSealed("format-table", (ulong)bytes.Length, out _)!;
        using var region = SharedRegion.TryOpen(file, 0, (ulong)bytes.Length, mayMap: true, out _)!;
        region.TryWrite(0, bytes);
        id.SendFormatTable(region.File, (uint)bytes.Length);
        id.SendMainDevice([0, 0, 0, 0, 0, 0, 0, 0]);
        id.SendTrancheTargetDevice([0, 0, 0, 0, 0, 0, 0, 0]);
        id.SendTrancheFlags(0);
        id.SendTrancheFormats(MemoryMarshal.AsBytes(Enumerable.Range(1, _compositor.Options.DmabufPairs.Count).Select(static i => (ushort)i).ToArray().AsSpan()));
        id.SendTrancheDone();
        id.SendDone();
    }

    private sealed class Params(FakeDmabuf dmabuf, ZwpLinuxBufferParamsV1Resource resource) : IZwpLinuxBufferParamsV1Requests
    {
        private readonly List<(uint Plane, uint Offset, uint Stride, ulong Modifier, ulong SizeBytes)> _planes = [];
        private MemFdHandle? _file;
        private (int Width, int Height, uint Format) _asked;

        void IZwpLinuxBufferParamsV1Requests.OnAdd(
            ZwpLinuxBufferParamsV1Resource sender, ReceivedFd fd, uint planeIdx, uint offset, uint stride, uint modifierHi, uint modifierLo)
        {
            if (_planes.Exists(plane => plane.Plane == planeIdx))
                dmabuf._compositor.Violation(sender, (uint)ZwpLinuxBufferParamsV1Error.PlaneSet, $"plane {planeIdx} twice");
            _planes.Add((planeIdx, offset, stride, ((ulong)modifierHi << 32) | modifierLo, fd.GetSizeBytes()));
            _file ??= fd.Take<MemFdHandle>();
        }

        void IZwpLinuxBufferParamsV1Requests.OnCreateImmed(
            ZwpLinuxBufferParamsV1Resource sender, WlBufferResource bufferId, int width, int height, uint format, ZwpLinuxBufferParamsV1Flags flags) =>
            dmabuf._compositor.Violation(sender, (uint)ZwpLinuxBufferParamsV1Error.InvalidWlBuffer, "create_immed: a failure would end the connection");

        void IZwpLinuxBufferParamsV1Requests.OnCreate(ZwpLinuxBufferParamsV1Resource sender, int width, int height, uint format, ZwpLinuxBufferParamsV1Flags flags)
        {
            dmabuf.Imports++;
            var first = _planes[0];
            if (flags != 0)
                dmabuf._compositor.Violation(sender, (uint)ZwpLinuxBufferParamsV1Error.InvalidFormat, "flags");
            if (!dmabuf._compositor.Options.DmabufPairs.Contains((new DrmFormat(format), new DrmModifier(first.Modifier))))
                dmabuf._compositor.Violation(sender, (uint)ZwpLinuxBufferParamsV1Error.InvalidFormat, "a pair that was not advertised");
            if (first.Offset + ((ulong)first.Stride * (uint)height) > first.SizeBytes)
                dmabuf._compositor.Violation(sender, (uint)ZwpLinuxBufferParamsV1Error.OutOfBounds, "a plane reaches beyond its dma-buf");
            _asked = (width, height, format);
            if (dmabuf._compositor.Options.HoldImports)
                dmabuf._held.Add(this);
            else
                Answer(dmabuf._compositor.Options.RefuseImports);
        }

        internal void Answer(bool refuse)
        {
            if (!resource.IsAlive)
                return;
            if (refuse)
            {
                _file?.Dispose();
                resource.SendFailed();
                return;
            }

            var memory = SharedRegion.TryOpen(_file!, 0, _planes[0].SizeBytes, mayMap: true, out _)!;
            dmabuf._compositor.Keep(memory);
            var buffer = new WlBufferResource();
            resource.SendCreated(buffer);
            _ = new FakeBuffer(buffer, new BufferSize(_asked.Width, _asked.Height), memory, _planes[0].Offset, _planes[0].Stride, _asked.Format);
        }
    }
}
