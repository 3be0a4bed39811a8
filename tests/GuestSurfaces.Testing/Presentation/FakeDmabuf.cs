// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>One plane of an import.</summary>
public sealed record FakePlane(uint Index, uint Offset, uint Stride, DrmModifier Modifier, ulong FileBytes);

/// <summary>What a client asks to import.</summary>
public sealed record FakeImport(BufferSize Size, DrmFormat Format, IReadOnlyList<FakePlane> Planes)
{
    public DrmModifier Modifier => Planes[0].Modifier;
}

/// <summary>
/// zwp_linux_dmabuf_v1, versions 3 to 5, which takes any file for a dma-buf and is as strict as the strictest compositor. A pair that was advertised once,
/// anywhere, may be imported ever after: a client can't know yet that it was withdrawn.
/// </summary>
public sealed class FakeDmabuf : IZwpLinuxDmabufV1Requests
{
    private readonly FakeCompositor _compositor;
    private readonly List<Params> _held = [];
    private readonly HashSet<(DrmFormat Format, DrmModifier Modifier)> _advertised = [];

    public FakeDmabuf(FakeCompositor compositor, ZwpLinuxDmabufV1Resource resource)
    {
        _compositor = compositor;
        resource.Handler = this;
        if (resource.Version >= 4)
            return;
        Advertise(compositor.Options.DmabufPairs);
        foreach (var (format, modifier) in compositor.Options.DmabufPairs)
            resource.SendModifier(format.Fourcc, (uint)(modifier.Value >> 32), (uint)modifier.Value);
    }

    /// <summary>Every import that was asked for.</summary>
    public List<FakeImport> Asked { get; } = [];

    public int Imports => Asked.Count;

    public int HeldImports => _held.Count;

    /// <summary>Every feedback object that was asked for, in order.</summary>
    public List<FakeFeedback> Feedbacks { get; } = [];

    public FakeFeedback DefaultFeedback => Feedbacks.Find(static feedback => feedback.Surface is null)!;

    public FakeFeedback SurfaceFeedback => Feedbacks.FindLast(static feedback => feedback.Surface is not null)!;

    /// <summary>Answers the imports that were held back.</summary>
    public void AnswerImports(bool refuse = false)
    {
        var held = _held.ToArray();
        _held.Clear();
        foreach (var import in held)
            import.Answer(refuse);
        _compositor.Client.Flush();
    }

    void IZwpLinuxDmabufV1Requests.OnCreateParams(ZwpLinuxDmabufV1Resource sender, ZwpLinuxBufferParamsV1Resource paramsId) => _ = new Params(this, paramsId);

    void IZwpLinuxDmabufV1Requests.OnGetDefaultFeedback(ZwpLinuxDmabufV1Resource sender, ZwpLinuxDmabufFeedbackV1Resource id) =>
        AddFeedback(new FakeFeedback(this, id, null), _compositor.Options.HoldDefaultFeedback, _compositor.Options.DefaultTranches);

    void IZwpLinuxDmabufV1Requests.OnGetSurfaceFeedback(ZwpLinuxDmabufV1Resource sender, ZwpLinuxDmabufFeedbackV1Resource id, WlSurfaceResource surface) =>
        AddFeedback(new FakeFeedback(this, id, (FakeSurface)surface.Tag!), _compositor.Options.HoldSurfaceFeedback, _compositor.Options.SurfaceTranches ?? _compositor.Options.DefaultTranches);

    internal void Advertise(IEnumerable<(DrmFormat Format, DrmModifier Modifier)> pairs) => _advertised.UnionWith(pairs);

    private void AddFeedback(FakeFeedback feedback, bool hold, IReadOnlyList<FakeTranche> tranches)
    {
        Feedbacks.Add(feedback);
        if (!hold)
            feedback.Send(tranches);
    }

    private sealed class Params : IZwpLinuxBufferParamsV1Requests
    {
        private readonly FakeDmabuf _dmabuf;
        private readonly ZwpLinuxBufferParamsV1Resource _resource;
        private readonly List<FakePlane> _planes = [];
        private MemFdHandle? _file;
        private FakeImport? _asked;

        public Params(FakeDmabuf dmabuf, ZwpLinuxBufferParamsV1Resource resource)
        {
            _dmabuf = dmabuf;
            _resource = resource;
            resource.Handler = this;
            resource.Destroyed += _ => _file?.Dispose(); // unless there is a buffer of it
        }

        void IZwpLinuxBufferParamsV1Requests.OnAdd(
            ZwpLinuxBufferParamsV1Resource sender, ReceivedFd fd, uint planeIdx, uint offset, uint stride, uint modifierHi, uint modifierLo)
        {
            var plane = new FakePlane(planeIdx, offset, stride, new DrmModifier(((ulong)modifierHi << 32) | modifierLo), fd.GetSizeBytes());
            Check(_asked is null, ZwpLinuxBufferParamsV1Error.AlreadyUsed, "add after create");
            Check(planeIdx < 4, ZwpLinuxBufferParamsV1Error.PlaneIdx, $"plane {planeIdx}");
            Check(!_planes.Exists(known => known.Index == planeIdx), ZwpLinuxBufferParamsV1Error.PlaneSet, $"plane {planeIdx} twice");
            Check(sender.Version < 5 || _planes.TrueForAll(known => known.Modifier == plane.Modifier), ZwpLinuxBufferParamsV1Error.InvalidFormat, "planes of several modifiers");
            _planes.Add(plane);
            if (_file is null)
                _file = fd.Take<MemFdHandle>();
            else
                fd.Dispose();
        }

        void IZwpLinuxBufferParamsV1Requests.OnCreateImmed(
            ZwpLinuxBufferParamsV1Resource sender, WlBufferResource bufferId, int width, int height, uint format, ZwpLinuxBufferParamsV1Flags flags) =>
            Check(false, ZwpLinuxBufferParamsV1Error.InvalidWlBuffer, "create_immed: a failure would end the connection");

        void IZwpLinuxBufferParamsV1Requests.OnCreate(ZwpLinuxBufferParamsV1Resource sender, int width, int height, uint format, ZwpLinuxBufferParamsV1Flags flags)
        {
            Check(_asked is null, ZwpLinuxBufferParamsV1Error.AlreadyUsed, "create twice");
            Check(_planes.Count > 0 && _planes.Max(static plane => plane.Index) == _planes.Count - 1, ZwpLinuxBufferParamsV1Error.Incomplete, "a plane is missing");
            Check(width > 0 && height > 0, ZwpLinuxBufferParamsV1Error.InvalidDimensions, $"{width}x{height}");
            Check(flags == 0, ZwpLinuxBufferParamsV1Error.InvalidFormat, "flags");
            if (_planes.Count == 0)
                return;
            _asked = new FakeImport(new BufferSize(width, height), new DrmFormat(format), _planes);
            CheckAgainstFormat(_asked);
            _dmabuf.Asked.Add(_asked);
            if (_dmabuf._compositor.Options.HoldImports)
                _dmabuf._held.Add(this);
            else
                Answer(_dmabuf._compositor.Options.RefuseImport(_asked));
        }

        internal void Answer(bool refuse)
        {
            if (!_resource.IsAlive)
                return;
            if (refuse)
            {
                _resource.SendFailed();
                return;
            }

            var memory = SharedRegion.TryOpen(_file!, 0, _planes[0].FileBytes, mayMap: true, out _)!;
            _file = null;
            _dmabuf._compositor.Keep(memory);
            var buffer = new WlBufferResource();
            _resource.SendCreated(buffer);

            // Only pictures of four bytes a pixel are looked at; others are black.
            var isSeen = _planes.Count == 1;
            _ = new FakeBuffer(_dmabuf._compositor, buffer, _asked!.Size, isSeen ? memory : null, _planes[0].Offset, _planes[0].Stride, _asked.Format.Fourcc) { IsDmabuf = true };
        }

        private static (int Planes, uint ChromaRows) PlanesOf(DrmFormat format) => format.ToString() switch
        {
            "NV12" or "P010" => (2, 2),
            "YU12" => (3, 2),
            _ => (1, 1),
        };

        private void CheckAgainstFormat(FakeImport asked)
        {
            Check(_dmabuf._advertised.Contains((asked.Format, asked.Modifier)), ZwpLinuxBufferParamsV1Error.InvalidFormat, $"{asked.Format} {asked.Modifier} was not advertised");
            var (planes, chromaRows) = PlanesOf(asked.Format);
            if (asked.Modifier == DrmModifier.Linear)
                Check(asked.Planes.Count == planes, ZwpLinuxBufferParamsV1Error.Incomplete, $"{asked.Planes.Count} planes of {asked.Format}");
            foreach (var plane in asked.Planes)
            {
                var rows = plane.Index == 0 ? (uint)asked.Size.Height : asked.Modifier == DrmModifier.Linear ? ((uint)asked.Size.Height + chromaRows - 1) / chromaRows : 1;
                var end = plane.Offset + (plane.Stride * (ulong)rows);
                Check(end <= uint.MaxValue && end <= plane.FileBytes && plane.Stride > 0, ZwpLinuxBufferParamsV1Error.OutOfBounds, $"plane {plane.Index} reaches beyond its dma-buf");
            }
        }

        private void Check(bool isKept, ZwpLinuxBufferParamsV1Error error, string rule)
        {
            if (!isKept)
                _dmabuf._compositor.Violation(_resource, (uint)error, rule);
        }
    }
}
