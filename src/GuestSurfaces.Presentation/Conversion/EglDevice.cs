// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Buffers;

namespace GuestSurfaces.Presentation.Conversion;

/// <summary>
/// The GPU by EGL and OpenGL ES 2, without any window: the compositor's own GPU by GBM where its node can be opened, else whatever the driver chooses without a
/// node, with targets of plain memory. One program for pictures, one for video: each pixel is looked up, put through a matrix, and written once.
/// Source: EGL_EXT_image_dma_buf_import, GL_OES_EGL_image_external.
/// </summary>
internal sealed class EglDevice : IGpuDevice
{
    /// <summary>How long a fence is waited for: a GPU that needs longer is as good as gone.</summary>
    private const int FenceTimeoutMs = 1000;

    private const string Vertex = """
        attribute vec2 position;
        uniform vec4 crop;
        varying vec2 place;
        void main() {
            place = crop.xy + position * crop.zw;
            gl_Position = vec4(position * 2.0 - 1.0, 0.0, 1.0);
        }
        """;

    private const string FragmentHead = """
        #extension GL_OES_EGL_image_external : require
        precision highp float;
        varying vec2 place;
        uniform mat4 matrix;
        uniform vec4 chroma;
        uniform samplerExternalOES first;
        uniform samplerExternalOES second;

        """;

    private const string Fragment = FragmentHead + """
        void main() {
            gl_FragColor = vec4((matrix * texture2D(first, place)).rgb, 1.0);
        }
        """;

    private const string VideoFragment = FragmentHead + """
        void main() {
            gl_FragColor = vec4((matrix * vec4(texture2D(first, place).r, texture2D(second, place * chroma.xy).rg, 1.0)).rgb, 1.0);
        }
        """;

    private readonly Egl _egl;
    private readonly EglDisplay _display;
    private readonly ITargetMemory _memory;
    private readonly bool _hasModifiers;
    private readonly bool _hasFences;
    private EglContext _context;
    private Gl _gl = null!;
    private Program _picture;
    private Program _video;
    private GlName _firstTexture;
    private GlName _secondTexture;
    private int _maxSide;

    private EglDevice(Egl egl, EglDisplay display, ITargetMemory memory)
    {
        _egl = egl;
        _display = display;
        _memory = memory;
        _hasModifiers = egl.HasExtension(display, "EGL_EXT_image_dma_buf_import_modifiers");
        _hasFences = egl.HasExtension(display, "EGL_ANDROID_native_fence_sync");
    }

    /// <inheritdoc/>
    public bool IsSoftware { get; private set; }

    /// <summary>The GPU's name.</summary>
    public string Renderer { get; private set; } = string.Empty;

    /// <summary>Where its targets come from.</summary>
    public ITargetMemory Memory => _memory;

    /// <summary>Opens a GPU for the calling thread.</summary>
    /// <param name="mainDevice">The compositor's GPU as a dev_t; 0 if it isn't known.</param>
    /// <param name="openUdmabuf">Opens what makes targets where there is no GBM.</param>
    /// <param name="failure">Why there is none.</param>
    /// <param name="library">EGL's name, but for tests.</param>
    public static EglDevice? TryOpen(ulong mainDevice, Func<(IUdmabufDevice? Device, GpuFailure? Missing)> openUdmabuf, out GpuFailure? failure, string library = Egl.LibraryName)
    {
        failure = null;
        if (Egl.TryLoad(library, out var reason) is not { } egl)
        {
            failure = new GpuFailure(reason, "install Mesa's EGL and OpenGL ES (Debian: libegl1 libgles2)");
            return null;
        }

        string withGbm;
        if (TryOpenGbm(mainDevice, out var device, out withGbm) is { } memory)
        {
            if (TryOpen(egl, egl.GetPlatformDisplay(device), memory, out withGbm) is { } onGbm)
                return onGbm;
        }

        var (udmabuf, missing) = openUdmabuf();
        if (udmabuf is null)
        {
            failure = new GpuFailure($"{withGbm}, and {missing!.Reason}", missing.Remedy);
            return null;
        }

        var surfaceless = TryOpen(egl, egl.GetSurfacelessDisplay(), new UdmabufMemory(udmabuf), out reason);
        if (surfaceless is null)
            failure = new GpuFailure($"{withGbm}, and without a node {reason}", "install the GPU's Mesa driver (Debian: libgl1-mesa-dri), 24 or later for software");
        return surfaceless;
    }

    /// <inheritdoc/>
    public GpuTarget? TryAllocate(BufferSize size, IReadOnlyList<DmabufTarget> choices, out GpuFailure? failure)
    {
        var reason = "the compositor takes no format that can be drawn to";
        if (size.Width > _maxSide || size.Height > _maxSide)
        {
            failure = new GpuFailure($"{Renderer} draws at most {_maxSide} pixels wide and high");
            return null;
        }

        foreach (var choice in choices)
        {
            if (_memory.TryAllocate(size, choice, out var view, out reason) is not { } planes)
                continue;
            if (TryWrap(planes, view!, out reason) is { } target)
            {
                failure = null;
                return target;
            }

            foreach (var plane in planes)
                plane.Dispose();
        }

        failure = new GpuFailure(reason);
        return null;
    }

    /// <inheritdoc/>
    public GpuFailure? TryDraw(GpuSource source, BufferRect crop, GpuTarget target, in DamageList rects)
    {
        var sampling = Sampling.Of(source.View.Format)!;
        if (source.Images.Length == 0 && source.Refusal is null)
            Import(source, sampling);
        if (source.Refusal is { } refusal)
            return refusal;

        var size = source.View.Size;
        ref readonly var program = ref source.Images.Length > 1 ? ref _video : ref _picture;
        _gl.BindFramebuffer(((Target)target).Framebuffer, target.View.Size.Width, target.View.Size.Height);
        _gl.BindImage(0, _firstTexture, source.Images[0]);
        if (source.Images.Length > 1)
            _gl.BindImage(1, _secondTexture, source.Images[1]);
        _gl.UseProgram(program.Name);
        _gl.Uniform(program.Crop, crop.X / (float)size.Width, crop.Y / (float)size.Height, crop.Width / (float)size.Width, crop.Height / (float)size.Height);
        if (source.Images.Length > 1)
        {
            // A picture of odd size ends within its last chroma samples.
            var covered = sampling.SizeOf(1, size);
            var by = sampling.Planes[1].Subsampling;
            _gl.Uniform(program.Chroma, size.Width / (float)(covered.Width * by), size.Height / (float)(covered.Height * by), 0, 0);
        }

        _gl.UniformMatrix(program.Matrix, sampling.Matrix(size.Height));
        for (var i = 0; i < rects.Count; i++)
            _gl.DrawSquare(rects[i].X, rects[i].Y, rects[i].Width, rects[i].Height);
        if (!WaitUntilDrawn())
            return new GpuFailure($"{Renderer} took longer than {FenceTimeoutMs} ms");
        return _gl.IsWell() ? null : new GpuFailure($"{Renderer} failed to draw {source.View}");
    }

    /// <inheritdoc/>
    public void Release(GpuSource source)
    {
        foreach (var image in source.Images)
            _egl.DestroyImage(_display, image);
        source.Images = [];
        source.ClosePlanes();
    }

    /// <inheritdoc/>
    public void Release(GpuTarget target)
    {
        var ours = (Target)target;
        _gl.DeleteFramebuffer(ours.Framebuffer, ours.Texture);
        _egl.DestroyImage(_display, ours.Image);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_context != default)
        {
            _egl.MakeCurrent(_display, default);
            _egl.DestroyContext(_display, _context);
        }

        _egl.Terminate(_display);
        _egl.ReleaseThread();
        _memory.Dispose();
    }

    private static GbmMemory? TryOpenGbm(ulong mainDevice, out GbmDevice device, out string reason)
    {
        device = default;
        reason = "the compositor names no DRM device";
        if (mainDevice == 0)
            return null;
        reason = "the compositor's DRM device isn't on this machine";
        if (DrmNodes.PathOf(mainDevice) is not { } path)
            return null;
        if (Gbm.TryLoad(Gbm.LibraryName, out reason) is not { } gbm)
            return null;
        var node = FileHandle.TryOpen(path, out var errno);
        reason = $"{path} can't be opened: {errno}";
        if (node is null)
            return null;
        device = gbm.CreateDevice(node);
        reason = $"GBM has no driver for {path}";
        if (device != default)
            return new GbmMemory(gbm, device, node);
        node.Dispose();
        return null;
    }

    /// <summary>Starts EGL and GL on a display. The memory is adopted, also on failure.</summary>
    private static EglDevice? TryOpen(Egl egl, EglDisplay display, ITargetMemory memory, out string reason)
    {
        reason = "EGL has no such display";
        if (display == default || !egl.Initialize(display))
        {
            memory.Dispose();
            return null;
        }

        var device = new EglDevice(egl, display, memory);
        reason = device.Start() ?? string.Empty;
        if (reason.Length == 0)
            return device;
        device.Dispose();
        return null;
    }

    private string? Start()
    {
        foreach (var extension in (ReadOnlySpan<string>)["EGL_EXT_image_dma_buf_import", "EGL_KHR_no_config_context", "EGL_KHR_surfaceless_context"])
        {
            if (!_egl.HasExtension(_display, extension))
                return $"EGL lacks {extension}";
        }

        _context = _egl.CreateContext(_display);
        if (_context == default || !_egl.MakeCurrent(_display, _context))
            return "EGL makes no OpenGL ES context";
        if (Gl.TryLoad(_egl, out var missing) is not { } gl)
            return missing;
        _gl = gl;
        Renderer = gl.Renderer;
        if (!gl.HasExtension("GL_OES_EGL_image_external"))
            return $"{Renderer} lacks GL_OES_EGL_image_external";
        IsSoftware = Renderer.Contains("llvmpipe", StringComparison.Ordinal) || Renderer.Contains("softpipe", StringComparison.Ordinal);
        _maxSide = gl.MaxTextureSize;
        _picture = Program.Make(gl, Fragment);
        _video = Program.Make(gl, VideoFragment);
        _firstTexture = gl.CreateExternalTexture();
        _secondTexture = gl.CreateExternalTexture();
        gl.BindSquare();
        return _picture.Name == default || _video.Name == default || !gl.IsWell() ? $"{Renderer} doesn't compile the conversion's shaders" : null;
    }

    private Target? TryWrap(DmabufHandle[] planes, BufferView view, out string reason)
    {
        Span<EglPlane> parts = new EglPlane[view.PlaneCount];
        for (var i = 0; i < parts.Length; i++)
            parts[i] = new EglPlane(planes[i], view.Plane(i).OffsetBytes, view.Plane(i).StrideBytes);
        var image = _egl.CreateImage(_display, view.Size.Width, view.Size.Height, view.Format.Fourcc, ModifierOf(view), parts, out var error);
        reason = $"{Renderer} can't draw into {view} ({error})";
        if (image == default)
            return null;
        var framebuffer = _gl.CreateFramebuffer(image, out var texture);
        reason = $"{Renderer} can't draw into {view}";
        if (framebuffer != default)
            return new Target(planes, view, image, framebuffer, texture);
        _egl.DestroyImage(_display, image);
        return null;
    }

    private void Import(GpuSource source, Sampling sampling)
    {
        var view = source.View;
        var images = new EglImage[sampling.Planes.Length];
        for (var i = 0; i < images.Length; i++)
        {
            // A tiled picture may have planes of its layout's own (compression): they all are part of its one image.
            var last = view.Modifier == DrmModifier.Linear ? i : view.PlaneCount - 1;
            var parts = new EglPlane[last - i + 1];
            for (var k = 0; k < parts.Length; k++)
            {
                var plane = view.Plane(i + k);
                parts[k] = new EglPlane(source.Planes[plane.StoragePlane], plane.OffsetBytes, plane.StrideBytes);
            }

            var size = sampling.SizeOf(i, view.Size);
            images[i] = _egl.CreateImage(_display, size.Width, size.Height, sampling.Planes[i].Format.Fourcc, ModifierOf(view), parts, out var error);
            if (images[i] == default)
            {
                source.Refusal = new GpuFailure($"{Renderer} can't import {view} ({error})");
                break;
            }
        }

        source.ClosePlanes();
        source.Images = source.Refusal is null ? images : [.. images.Where(static image => image != default)];
    }

    private ulong? ModifierOf(BufferView view) => _hasModifiers ? view.Modifier.Value : null;

    // Finishing has no end when a GPU hangs; waiting for a fence has.
    private bool WaitUntilDrawn()
    {
        using var fence = _hasFences ? _egl.TryFence(_display, _gl) : null;
        if (fence is not null)
            return fence.Wait(FenceTimeoutMs);
        _gl.Finish();
        return true;
    }

    private sealed class Target(DmabufHandle[] planes, BufferView view, EglImage image, GlName framebuffer, GlName texture) : GpuTarget(planes, view)
    {
        public EglImage Image => image;

        public GlName Framebuffer => framebuffer;

        public GlName Texture => texture;
    }

    private readonly record struct Program(GlName Name, int Crop, int Matrix, int Chroma)
    {
        public static Program Make(Gl gl, string fragment)
        {
            var name = gl.CreateProgram(Vertex, fragment);
            gl.UseProgram(name);
            gl.Uniform(gl.GetUniformLocation(name, "first"), 0);
            gl.Uniform(gl.GetUniformLocation(name, "second"), 1);
            return new Program(name, gl.GetUniformLocation(name, "crop"), gl.GetUniformLocation(name, "matrix"), gl.GetUniformLocation(name, "chroma"));
        }
    }
}
