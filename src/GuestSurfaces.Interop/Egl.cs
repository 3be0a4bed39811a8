// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using System.Text;

namespace GuestSurfaces.Interop;

/// <summary>An EGLDisplay.</summary>
/// <param name="Value">The pointer; 0 is none.</param>
public readonly record struct EglDisplay(nint Value);

/// <summary>An EGLContext.</summary>
/// <param name="Value">The pointer; 0 is none.</param>
public readonly record struct EglContext(nint Value);

/// <summary>An EGLImage: pixels of a dma-buf as GL sees them. It keeps the dma-buf's memory, not its descriptor.</summary>
/// <param name="Value">The pointer; 0 is none.</param>
public readonly record struct EglImage(nint Value);

/// <summary>One plane of a dma-buf for <see cref="Egl.CreateImage"/>.</summary>
/// <param name="File">Borrowed.</param>
/// <param name="OffsetBytes">Where its first row starts.</param>
/// <param name="StrideBytes">From row to row.</param>
public readonly record struct EglPlane(FdHandle File, uint OffsetBytes, uint StrideBytes);

/// <summary>
/// The calls of EGL 1.5 that a conversion on the GPU needs, loaded at run time: the program runs without EGL too. Drivers check little of what they are given:
/// a size beyond the dma-buf's end can kill the process, so callers check before.
/// Thread: calls that need a context, on the one where it is current; the others on any. Source: EGL 1.5, EGL_EXT_image_dma_buf_import_modifiers.
/// </summary>
public sealed unsafe class Egl
{
    /// <summary>The library's name.</summary>
    public const string LibraryName = "libEGL.so.1";

    internal const int EGL_NONE = 0x3038;
    internal const int EGL_SUCCESS = 0x3000;
    internal const int EGL_BAD_ACCESS = 0x3002;
    internal const int EGL_BAD_ALLOC = 0x3003;
    internal const int EGL_BAD_ATTRIBUTE = 0x3004;
    internal const int EGL_BAD_MATCH = 0x3009;
    internal const int EGL_BAD_PARAMETER = 0x300C;
    internal const int EGL_EXTENSIONS = 0x3055;
    internal const int EGL_WIDTH = 0x3057;
    internal const int EGL_HEIGHT = 0x3056;
    internal const int EGL_OPENGL_ES_API = 0x30A0;
    internal const int EGL_CONTEXT_MAJOR_VERSION = 0x3098;
    internal const int EGL_PLATFORM_GBM_KHR = 0x31D7;
    internal const int EGL_PLATFORM_SURFACELESS_MESA = 0x31DD;
    internal const int EGL_LINUX_DMA_BUF_EXT = 0x3270;
    internal const int EGL_LINUX_DRM_FOURCC_EXT = 0x3271;
    internal const int EGL_DMA_BUF_PLANE0_FD_EXT = 0x3272;
    internal const int EGL_DMA_BUF_PLANE1_FD_EXT = 0x3275;
    internal const int EGL_DMA_BUF_PLANE2_FD_EXT = 0x3278;
    internal const int EGL_DMA_BUF_PLANE3_FD_EXT = 0x3440;
    internal const int EGL_DMA_BUF_PLANE0_MODIFIER_LO_EXT = 0x3443;
    internal const int EGL_DMA_BUF_PLANE1_MODIFIER_LO_EXT = 0x3445;
    internal const int EGL_DMA_BUF_PLANE2_MODIFIER_LO_EXT = 0x3447;
    internal const int EGL_DMA_BUF_PLANE3_MODIFIER_LO_EXT = 0x3449;
    internal const int EGL_SYNC_NATIVE_FENCE_ANDROID = 0x3144;

    private const int AttributesPerPlane = 10;

    private readonly delegate* unmanaged<byte*, nint> _getProcAddress;
    private readonly delegate* unmanaged<int> _getError;
    private readonly delegate* unmanaged<nint, int*, int*, uint> _initialize;
    private readonly delegate* unmanaged<nint, uint> _terminate;
    private readonly delegate* unmanaged<nint, int, byte*> _queryString;
    private readonly delegate* unmanaged<uint, uint> _bindApi;
    private readonly delegate* unmanaged<uint> _releaseThread;
    private readonly delegate* unmanaged<nint, nint, nint, int*, nint> _createContext;
    private readonly delegate* unmanaged<nint, nint, uint> _destroyContext;
    private readonly delegate* unmanaged<nint, nint, nint, nint, uint> _makeCurrent;
    private readonly delegate* unmanaged<uint, nint, nint*, nint> _getPlatformDisplay;
    private readonly delegate* unmanaged<nint, nint, uint, nint, int*, nint> _createImage;
    private readonly delegate* unmanaged<nint, nint, uint> _destroyImage;
    private readonly delegate* unmanaged<nint, uint, int*, nint> _createSync;
    private readonly delegate* unmanaged<nint, nint, uint> _destroySync;
    private readonly delegate* unmanaged<nint, nint, int> _dupNativeFenceFd;

    private Egl(NativeModule module)
    {
        // SAFETY: each pointer has the C prototype of the name it was looked up by; EGLint and EGLBoolean have 32 bits.
        _getProcAddress = (delegate* unmanaged<byte*, nint>)module.Find("eglGetProcAddress");
        _getError = (delegate* unmanaged<int>)module.Find("eglGetError");
        _initialize = (delegate* unmanaged<nint, int*, int*, uint>)module.Find("eglInitialize");
        _terminate = (delegate* unmanaged<nint, uint>)module.Find("eglTerminate");
        _queryString = (delegate* unmanaged<nint, int, byte*>)module.Find("eglQueryString");
        _bindApi = (delegate* unmanaged<uint, uint>)module.Find("eglBindAPI");
        _releaseThread = (delegate* unmanaged<uint>)module.Find("eglReleaseThread");
        _createContext = (delegate* unmanaged<nint, nint, nint, int*, nint>)module.Find("eglCreateContext");
        _destroyContext = (delegate* unmanaged<nint, nint, uint>)module.Find("eglDestroyContext");
        _makeCurrent = (delegate* unmanaged<nint, nint, nint, nint, uint>)module.Find("eglMakeCurrent");
        _getPlatformDisplay = (delegate* unmanaged<uint, nint, nint*, nint>)module.Find("eglGetPlatformDisplay");
        if (_getProcAddress == null)
            return;
        _createImage = (delegate* unmanaged<nint, nint, uint, nint, int*, nint>)GetProcAddress("eglCreateImageKHR");
        _destroyImage = (delegate* unmanaged<nint, nint, uint>)GetProcAddress("eglDestroyImageKHR");
        _createSync = (delegate* unmanaged<nint, uint, int*, nint>)GetProcAddress("eglCreateSyncKHR");
        _destroySync = (delegate* unmanaged<nint, nint, uint>)GetProcAddress("eglDestroySyncKHR");
        _dupNativeFenceFd = (delegate* unmanaged<nint, nint, int>)GetProcAddress("eglDupNativeFenceFDANDROID");
    }

    // eglGetProcAddress may answer for functions that no driver has: what counts besides are the display's extensions.
    private bool IsComplete =>
        _getProcAddress != null && _getError != null && _initialize != null && _terminate != null && _queryString != null && _bindApi != null && _releaseThread != null
        && _createContext != null && _destroyContext != null && _makeCurrent != null && _getPlatformDisplay != null && _createImage != null && _destroyImage != null;

    /// <summary>Loads the library.</summary>
    /// <param name="name">Its name: <see cref="LibraryName"/>, but for tests.</param>
    /// <param name="reason">Why there is none, without a full stop.</param>
    /// <returns>Null if it isn't installed, or is older than EGL 1.5.</returns>
    public static Egl? TryLoad(string name, out string reason)
    {
        reason = $"{name} can't be loaded";
        if (NativeModule.TryLoad(name) is not { } module)
            return null;
        reason = $"{name} lacks calls of EGL 1.5";
        var egl = new Egl(module);
        return egl.IsComplete ? egl : null;
    }

    /// <summary>The display of a GPU that a GBM device opened. Not initialized.</summary>
    /// <param name="device">Outlives the display.</param>
    public EglDisplay GetPlatformDisplay(GbmDevice device) => GetPlatformDisplay(EGL_PLATFORM_GBM_KHR, device.Value);

    /// <summary>The display without any window system nor device node: the driver's choice of GPU, or software. Not initialized.</summary>
    public EglDisplay GetSurfacelessDisplay() => GetPlatformDisplay(EGL_PLATFORM_SURFACELESS_MESA, 0);

    /// <summary>Loads the display's driver. May take a while.</summary>
    /// <param name="display">The display.</param>
    public bool Initialize(EglDisplay display)
    {
        int major, minor;
        return _initialize(display.Value, &major, &minor) != 0;
    }

    /// <summary>Ends the display and everything made of it.</summary>
    /// <param name="display">The display.</param>
    public void Terminate(EglDisplay display) => _ = _terminate(display.Value);

    /// <summary>Ends what EGL keeps for the calling thread.</summary>
    public void ReleaseThread() => _ = _releaseThread();

    /// <summary>Whether a display has an extension.</summary>
    /// <param name="display">Initialized; the default value asks the library itself.</param>
    /// <param name="extension">Its name, such as "EGL_EXT_image_dma_buf_import".</param>
    public bool HasExtension(EglDisplay display, string extension) =>
        Array.IndexOf(Utf8(_queryString(display.Value, EGL_EXTENSIONS)).Split(' '), extension) >= 0;

    /// <summary>Makes a context of OpenGL ES 2 without configuration or surface.</summary>
    /// <param name="display">Has EGL_KHR_no_config_context and EGL_KHR_surfaceless_context.</param>
    /// <returns>The context (the caller's); the default value if there can't be one.</returns>
    public EglContext CreateContext(EglDisplay display)
    {
        var attributes = stackalloc int[] { EGL_CONTEXT_MAJOR_VERSION, 2, EGL_NONE };
        return _bindApi(EGL_OPENGL_ES_API) == 0 ? default : new EglContext(_createContext(display.Value, 0, 0, attributes));
    }

    /// <summary>Ends a context.</summary>
    /// <param name="display">Its display.</param>
    /// <param name="context">Which; not current anywhere.</param>
    public void DestroyContext(EglDisplay display, EglContext context) => _ = _destroyContext(display.Value, context.Value);

    /// <summary>Makes a context the calling thread's, without a surface.</summary>
    /// <param name="display">Its display.</param>
    /// <param name="context">Which; the default value: none.</param>
    public bool MakeCurrent(EglDisplay display, EglContext context) => _makeCurrent(display.Value, 0, 0, context.Value) != 0;

    /// <summary>Makes an image of a dma-buf. The driver trusts all numbers: check them against the dma-buf's size first.</summary>
    /// <param name="display">Has EGL_EXT_image_dma_buf_import.</param>
    /// <param name="width">In pixels; positive.</param>
    /// <param name="height">In pixels; positive.</param>
    /// <param name="fourcc">The format's four letters.</param>
    /// <param name="modifier">The layout; null if the display lacks the extension with modifiers.</param>
    /// <param name="planes">1 to 4; offsets and strides fit an int.</param>
    /// <param name="error">Why not: "EGL_BAD_MATCH".</param>
    /// <returns>The image (the caller's); the default value if the driver refuses.</returns>
    public EglImage CreateImage(EglDisplay display, int width, int height, uint fourcc, ulong? modifier, ReadOnlySpan<EglPlane> planes, out string error)
    {
        const int head = 6;
        if (planes.Length is 0 or > 4)
            throw new ArgumentException("an image has one to four planes", nameof(planes));
        ReadOnlySpan<int> files = [EGL_DMA_BUF_PLANE0_FD_EXT, EGL_DMA_BUF_PLANE1_FD_EXT, EGL_DMA_BUF_PLANE2_FD_EXT, EGL_DMA_BUF_PLANE3_FD_EXT];
        ReadOnlySpan<int> modifiers = [EGL_DMA_BUF_PLANE0_MODIFIER_LO_EXT, EGL_DMA_BUF_PLANE1_MODIFIER_LO_EXT, EGL_DMA_BUF_PLANE2_MODIFIER_LO_EXT, EGL_DMA_BUF_PLANE3_MODIFIER_LO_EXT];
        var attributes = stackalloc int[head + (4 * AttributesPerPlane) + 1];
        var n = 0;
        Add(EGL_WIDTH, width);
        Add(EGL_HEIGHT, height);
        Add(EGL_LINUX_DRM_FOURCC_EXT, (int)fourcc);
        for (var i = 0; i < planes.Length; i++)
        {
            // The offset's and the pitch's names follow the descriptor's, the modifier's upper half follows the lower.
            Add(files[i], planes[i].File.Fd);
            Add(files[i] + 1, checked((int)planes[i].OffsetBytes));
            Add(files[i] + 2, checked((int)planes[i].StrideBytes));
            if (modifier is { } layout)
            {
                Add(modifiers[i], (int)(uint)layout);
                Add(modifiers[i] + 1, (int)(layout >> 32));
            }
        }

        attributes[n] = EGL_NONE;
        // SAFETY: the list has room for four planes and ends with EGL_NONE; the files live as long as the caller's span.
        var image = _createImage(display.Value, 0, EGL_LINUX_DMA_BUF_EXT, 0, attributes);
        error = image == 0 ? NameOf(_getError()) : string.Empty;
        return new EglImage(image);

        void Add(int name, int value)
        {
            attributes[n++] = name;
            attributes[n++] = value;
        }
    }

    /// <summary>Ends an image. GL objects made of it live on.</summary>
    /// <param name="display">Its display.</param>
    /// <param name="image">Which.</param>
    public void DestroyImage(EglDisplay display, EglImage image) => _ = _destroyImage(display.Value, image.Value);

    /// <summary>A fence that signals when everything drawn so far is done. Flushes.</summary>
    /// <param name="display">Has EGL_ANDROID_native_fence_sync.</param>
    /// <param name="gl">Of the current context.</param>
    /// <returns>The fence (the caller's), or null.</returns>
    public SyncFileHandle? TryFence(EglDisplay display, Gl gl)
    {
        if (_createSync == null || _destroySync == null || _dupNativeFenceFd == null)
            return null;
        var sync = _createSync(display.Value, EGL_SYNC_NATIVE_FENCE_ANDROID, null);
        if (sync == 0)
            return null;
        gl.Flush(); // the descriptor exists from here on
        var fd = _dupNativeFenceFd(display.Value, sync);
        _ = _destroySync(display.Value, sync);
        return fd < 0 ? null : SyncFileHandle.Adopt(fd);
    }

    internal nint GetProcAddress(string name)
    {
        fixed (byte* p = Encoding.ASCII.GetBytes(name + '\0'))
            return _getProcAddress(p);
    }

    internal static string Utf8(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? string.Empty;

    private static string NameOf(int error) => error switch
    {
        EGL_SUCCESS => "no error",
        EGL_BAD_ACCESS => nameof(EGL_BAD_ACCESS),
        EGL_BAD_ALLOC => nameof(EGL_BAD_ALLOC),
        EGL_BAD_ATTRIBUTE => nameof(EGL_BAD_ATTRIBUTE),
        EGL_BAD_MATCH => nameof(EGL_BAD_MATCH),
        EGL_BAD_PARAMETER => nameof(EGL_BAD_PARAMETER),
        _ => $"EGL error 0x{error:x4}",
    };

    private EglDisplay GetPlatformDisplay(int platform, nint native) => new(_getPlatformDisplay((uint)platform, native, null));
}
