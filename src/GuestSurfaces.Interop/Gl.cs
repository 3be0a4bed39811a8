// SPDX-License-Identifier: MIT
using System.Text;

namespace GuestSurfaces.Interop;

/// <summary>A GL object's name, of whatever kind the method says. 0 is none.</summary>
/// <param name="Name">GL's number.</param>
public readonly record struct GlName(uint Name);

/// <summary>
/// The calls of OpenGL ES 2 that drawing one picture into another needs. Thread: the one on which the context is current.
/// Source: OpenGL ES 2.0.25, GL_OES_EGL_image, GL_OES_EGL_image_external.
/// </summary>
public sealed unsafe class Gl
{
    internal const uint GL_NO_ERROR = 0;
    internal const uint GL_TRIANGLE_STRIP = 5;
    internal const uint GL_SCISSOR_TEST = 0x0C11;
    internal const uint GL_MAX_TEXTURE_SIZE = 0x0D33;
    internal const uint GL_TEXTURE_2D = 0x0DE1;
    internal const uint GL_FLOAT = 0x1406;
    internal const uint GL_RENDERER = 0x1F01;
    internal const uint GL_EXTENSIONS = 0x1F03;
    internal const uint GL_NEAREST = 0x2600;
    internal const uint GL_TEXTURE_MAG_FILTER = 0x2800;
    internal const uint GL_TEXTURE_MIN_FILTER = 0x2801;
    internal const uint GL_TEXTURE_WRAP_S = 0x2802;
    internal const uint GL_TEXTURE_WRAP_T = 0x2803;
    internal const uint GL_CLAMP_TO_EDGE = 0x812F;
    internal const uint GL_TEXTURE0 = 0x84C0;
    internal const uint GL_ARRAY_BUFFER = 0x8892;
    internal const uint GL_STATIC_DRAW = 0x88E4;
    internal const uint GL_FRAGMENT_SHADER = 0x8B30;
    internal const uint GL_VERTEX_SHADER = 0x8B31;
    internal const uint GL_LINK_STATUS = 0x8B82;
    internal const uint GL_FRAMEBUFFER_COMPLETE = 0x8CD5;
    internal const uint GL_COLOR_ATTACHMENT0 = 0x8CE0;
    internal const uint GL_FRAMEBUFFER = 0x8D40;
    internal const uint GL_TEXTURE_EXTERNAL_OES = 0x8D65;

    private readonly delegate* unmanaged<uint> _getError;
    private readonly delegate* unmanaged<uint, byte*> _getString;
    private readonly delegate* unmanaged<uint, int*, void> _getIntegerv;
    private readonly delegate* unmanaged<uint, void> _enable;
    private readonly delegate* unmanaged<void> _flush;
    private readonly delegate* unmanaged<void> _finish;
    private readonly delegate* unmanaged<int, int, int, int, void> _viewport;
    private readonly delegate* unmanaged<int, int, int, int, void> _scissor;
    private readonly delegate* unmanaged<uint, int, int, void> _drawArrays;
    private readonly delegate* unmanaged<int, uint*, void> _genTextures;
    private readonly delegate* unmanaged<int, uint*, void> _deleteTextures;
    private readonly delegate* unmanaged<uint, void> _activeTexture;
    private readonly delegate* unmanaged<uint, uint, void> _bindTexture;
    private readonly delegate* unmanaged<uint, uint, int, void> _texParameteri;
    private readonly delegate* unmanaged<uint, nint, void> _imageTargetTexture;
    private readonly delegate* unmanaged<int, uint*, void> _genFramebuffers;
    private readonly delegate* unmanaged<int, uint*, void> _deleteFramebuffers;
    private readonly delegate* unmanaged<uint, uint, void> _bindFramebuffer;
    private readonly delegate* unmanaged<uint, uint, uint, uint, int, void> _framebufferTexture2D;
    private readonly delegate* unmanaged<uint, uint> _checkFramebufferStatus;
    private readonly delegate* unmanaged<int, uint*, void> _genBuffers;
    private readonly delegate* unmanaged<uint, uint, void> _bindBuffer;
    private readonly delegate* unmanaged<uint, nint, void*, uint, void> _bufferData;
    private readonly delegate* unmanaged<uint, int, uint, byte, int, void*, void> _vertexAttribPointer;
    private readonly delegate* unmanaged<uint, void> _enableVertexAttribArray;
    private readonly delegate* unmanaged<uint, uint> _createShader;
    private readonly delegate* unmanaged<uint, int, byte**, int*, void> _shaderSource;
    private readonly delegate* unmanaged<uint, void> _compileShader;
    private readonly delegate* unmanaged<uint, void> _deleteShader;
    private readonly delegate* unmanaged<uint> _createProgram;
    private readonly delegate* unmanaged<uint, uint, void> _attachShader;
    private readonly delegate* unmanaged<uint, uint, byte*, void> _bindAttribLocation;
    private readonly delegate* unmanaged<uint, void> _linkProgram;
    private readonly delegate* unmanaged<uint, uint, int*, void> _getProgramiv;
    private readonly delegate* unmanaged<uint, void> _useProgram;
    private readonly delegate* unmanaged<uint, byte*, int> _getUniformLocation;
    private readonly delegate* unmanaged<int, int, void> _uniform1i;
    private readonly delegate* unmanaged<int, float, float, float, float, void> _uniform4f;
    private readonly delegate* unmanaged<int, int, byte, float*, void> _uniformMatrix4fv;

    private Gl(Egl egl)
    {
        // SAFETY: each pointer has the C prototype of the name it was looked up by; GLboolean has 8 bits, the other scalars 32, GLsizeiptr 64.
        _getError = (delegate* unmanaged<uint>)Find("glGetError");
        _getString = (delegate* unmanaged<uint, byte*>)Find("glGetString");
        _getIntegerv = (delegate* unmanaged<uint, int*, void>)Find("glGetIntegerv");
        _enable = (delegate* unmanaged<uint, void>)Find("glEnable");
        _flush = (delegate* unmanaged<void>)Find("glFlush");
        _finish = (delegate* unmanaged<void>)Find("glFinish");
        _viewport = (delegate* unmanaged<int, int, int, int, void>)Find("glViewport");
        _scissor = (delegate* unmanaged<int, int, int, int, void>)Find("glScissor");
        _drawArrays = (delegate* unmanaged<uint, int, int, void>)Find("glDrawArrays");
        _genTextures = (delegate* unmanaged<int, uint*, void>)Find("glGenTextures");
        _deleteTextures = (delegate* unmanaged<int, uint*, void>)Find("glDeleteTextures");
        _activeTexture = (delegate* unmanaged<uint, void>)Find("glActiveTexture");
        _bindTexture = (delegate* unmanaged<uint, uint, void>)Find("glBindTexture");
        _texParameteri = (delegate* unmanaged<uint, uint, int, void>)Find("glTexParameteri");
        _imageTargetTexture = (delegate* unmanaged<uint, nint, void>)Find("glEGLImageTargetTexture2DOES");
        _genFramebuffers = (delegate* unmanaged<int, uint*, void>)Find("glGenFramebuffers");
        _deleteFramebuffers = (delegate* unmanaged<int, uint*, void>)Find("glDeleteFramebuffers");
        _bindFramebuffer = (delegate* unmanaged<uint, uint, void>)Find("glBindFramebuffer");
        _framebufferTexture2D = (delegate* unmanaged<uint, uint, uint, uint, int, void>)Find("glFramebufferTexture2D");
        _checkFramebufferStatus = (delegate* unmanaged<uint, uint>)Find("glCheckFramebufferStatus");
        _genBuffers = (delegate* unmanaged<int, uint*, void>)Find("glGenBuffers");
        _bindBuffer = (delegate* unmanaged<uint, uint, void>)Find("glBindBuffer");
        _bufferData = (delegate* unmanaged<uint, nint, void*, uint, void>)Find("glBufferData");
        _vertexAttribPointer = (delegate* unmanaged<uint, int, uint, byte, int, void*, void>)Find("glVertexAttribPointer");
        _enableVertexAttribArray = (delegate* unmanaged<uint, void>)Find("glEnableVertexAttribArray");
        _createShader = (delegate* unmanaged<uint, uint>)Find("glCreateShader");
        _shaderSource = (delegate* unmanaged<uint, int, byte**, int*, void>)Find("glShaderSource");
        _compileShader = (delegate* unmanaged<uint, void>)Find("glCompileShader");
        _deleteShader = (delegate* unmanaged<uint, void>)Find("glDeleteShader");
        _createProgram = (delegate* unmanaged<uint>)Find("glCreateProgram");
        _attachShader = (delegate* unmanaged<uint, uint, void>)Find("glAttachShader");
        _bindAttribLocation = (delegate* unmanaged<uint, uint, byte*, void>)Find("glBindAttribLocation");
        _linkProgram = (delegate* unmanaged<uint, void>)Find("glLinkProgram");
        _getProgramiv = (delegate* unmanaged<uint, uint, int*, void>)Find("glGetProgramiv");
        _useProgram = (delegate* unmanaged<uint, void>)Find("glUseProgram");
        _getUniformLocation = (delegate* unmanaged<uint, byte*, int>)Find("glGetUniformLocation");
        _uniform1i = (delegate* unmanaged<int, int, void>)Find("glUniform1i");
        _uniform4f = (delegate* unmanaged<int, float, float, float, float, void>)Find("glUniform4f");
        _uniformMatrix4fv = (delegate* unmanaged<int, int, byte, float*, void>)Find("glUniformMatrix4fv");

        nint Find(string name)
        {
            var address = egl.GetProcAddress(name);
            if (address == 0)
                Missing ??= name;
            return address;
        }
    }

    /// <summary>The GPU's name; "llvmpipe" and some numbers if there is none.</summary>
    public string Renderer => Egl.Utf8(_getString(GL_RENDERER));

    /// <summary>The longest side of a picture that can be read or drawn, in pixels.</summary>
    public int MaxTextureSize
    {
        get
        {
            int size = 0;
            _getIntegerv(GL_MAX_TEXTURE_SIZE, &size);
            return size;
        }
    }

    private string? Missing { get; set; }

    /// <summary>Looks the calls up.</summary>
    /// <param name="egl">Its client library; by EGL 1.5 it finds core calls too.</param>
    /// <param name="reason">Which is missing, without a full stop.</param>
    public static Gl? TryLoad(Egl egl, out string reason)
    {
        ArgumentNullException.ThrowIfNull(egl);
        var gl = new Gl(egl);
        reason = gl.Missing is null ? string.Empty : $"OpenGL ES lacks {gl.Missing}";
        return gl.Missing is null ? gl : null;
    }

    /// <summary>Whether the context has an extension.</summary>
    /// <param name="extension">Its name, such as "GL_OES_EGL_image_external".</param>
    public bool HasExtension(string extension) => Array.IndexOf(Egl.Utf8(_getString(GL_EXTENSIONS)).Split(' '), extension) >= 0;

    /// <summary>Whether everything since the last question went well.</summary>
    public bool IsWell() => _getError() == GL_NO_ERROR;

    /// <summary>Sends everything to the GPU.</summary>
    public void Flush() => _flush();

    /// <summary>Sends everything to the GPU and waits until it is done.</summary>
    public void Finish() => _finish();

    /// <summary>Compiles and links a program.</summary>
    /// <param name="vertex">Source; its attribute 0 is called "position".</param>
    /// <param name="fragment">Source.</param>
    /// <returns>The program; the default value if the driver can't.</returns>
    public GlName CreateProgram(string vertex, string fragment)
    {
        var program = _createProgram();
        Attach(GL_VERTEX_SHADER, vertex);
        Attach(GL_FRAGMENT_SHADER, fragment);
        fixed (byte* name = "position\0"u8)
            _bindAttribLocation(program, 0, name);
        _linkProgram(program);
        var linked = 0;
        _getProgramiv(program, GL_LINK_STATUS, &linked);
        return linked == 0 ? default : new GlName(program);

        void Attach(uint kind, string source)
        {
            var shader = _createShader(kind);
            fixed (byte* text = Encoding.ASCII.GetBytes(source + '\0'))
            {
                var start = text;
                _shaderSource(shader, 1, &start, null);
            }

            _compileShader(shader);
            _attachShader(program, shader);
            _deleteShader(shader); // goes with the program
        }
    }

    /// <summary>Where a program's uniform is; -1 (which may be set, to no effect) if it has none of that name.</summary>
    /// <param name="program">Linked.</param>
    /// <param name="name">The uniform's.</param>
    public int GetUniformLocation(GlName program, string name)
    {
        fixed (byte* text = Encoding.ASCII.GetBytes(name + '\0'))
            return _getUniformLocation(program.Name, text);
    }

    /// <summary>Draws with this program from here on.</summary>
    /// <param name="program">Linked.</param>
    public void UseProgram(GlName program) => _useProgram(program.Name);

    /// <summary>Sets a sampler of the program in use.</summary>
    /// <param name="location">Of the uniform.</param>
    /// <param name="unit">The texture unit that it reads.</param>
    public void Uniform(int location, int unit) => _uniform1i(location, unit);

    /// <summary>Sets a vector of the program in use.</summary>
    /// <param name="location">Of the uniform.</param>
    /// <param name="x">First.</param>
    /// <param name="y">Second.</param>
    /// <param name="z">Third.</param>
    /// <param name="w">Fourth.</param>
    public void Uniform(int location, float x, float y, float z, float w) => _uniform4f(location, x, y, z, w);

    /// <summary>Sets a 4x4 matrix of the program in use.</summary>
    /// <param name="location">Of the uniform.</param>
    /// <param name="columns">Sixteen numbers, column by column.</param>
    public void UniformMatrix(int location, ReadOnlySpan<float> columns)
    {
        if (columns.Length != 16)
            throw new ArgumentException("sixteen numbers are needed", nameof(columns));
        fixed (float* p = columns)
            _uniformMatrix4fv(location, 1, 0, p);
    }

    /// <summary>Makes attribute 0 the corners of the unit square, for <see cref="DrawSquare"/>.</summary>
    public void BindSquare()
    {
        ReadOnlySpan<float> corners = [0, 0, 1, 0, 0, 1, 1, 1];
        uint buffer = 0;
        _genBuffers(1, &buffer);
        _bindBuffer(GL_ARRAY_BUFFER, buffer);
        fixed (float* p = corners)
            _bufferData(GL_ARRAY_BUFFER, corners.Length * sizeof(float), p, GL_STATIC_DRAW);
        _vertexAttribPointer(0, 2, GL_FLOAT, 0, 0, null);
        _enableVertexAttribArray(0);
    }

    /// <summary>Makes a texture that shows an image of a dma-buf pixel by pixel, as <c>samplerExternalOES</c>.</summary>
    public GlName CreateExternalTexture()
    {
        uint texture = 0;
        _genTextures(1, &texture);
        _bindTexture(GL_TEXTURE_EXTERNAL_OES, texture);
        _texParameteri(GL_TEXTURE_EXTERNAL_OES, GL_TEXTURE_MIN_FILTER, (int)GL_NEAREST);
        _texParameteri(GL_TEXTURE_EXTERNAL_OES, GL_TEXTURE_MAG_FILTER, (int)GL_NEAREST);
        _texParameteri(GL_TEXTURE_EXTERNAL_OES, GL_TEXTURE_WRAP_S, (int)GL_CLAMP_TO_EDGE);
        _texParameteri(GL_TEXTURE_EXTERNAL_OES, GL_TEXTURE_WRAP_T, (int)GL_CLAMP_TO_EDGE);
        return new GlName(texture);
    }

    /// <summary>Lets a texture show an image, and a texture unit read it. What the GPU has cached of the image's pixels before doesn't count any more.</summary>
    /// <param name="unit">From 0.</param>
    /// <param name="texture">By <see cref="CreateExternalTexture"/>.</param>
    /// <param name="image">Of any format that can be read.</param>
    public void BindImage(int unit, GlName texture, EglImage image)
    {
        _activeTexture(GL_TEXTURE0 + (uint)unit);
        _bindTexture(GL_TEXTURE_EXTERNAL_OES, texture.Name);
        _imageTargetTexture(GL_TEXTURE_EXTERNAL_OES, image.Value);
    }

    /// <summary>Makes a framebuffer that draws into an image.</summary>
    /// <param name="image">Of a format and layout that can be drawn to.</param>
    /// <param name="texture">What stands between both; delete it after the framebuffer.</param>
    /// <returns>The framebuffer; the default value, and nothing left behind, if this image can't be drawn to.</returns>
    public GlName CreateFramebuffer(EglImage image, out GlName texture)
    {
        uint name = 0, framebuffer = 0;
        _genTextures(1, &name);
        _bindTexture(GL_TEXTURE_2D, name);
        _imageTargetTexture(GL_TEXTURE_2D, image.Value);
        _genFramebuffers(1, &framebuffer);
        _bindFramebuffer(GL_FRAMEBUFFER, framebuffer);
        _framebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, name, 0);
        texture = new GlName(name);
        if (_checkFramebufferStatus(GL_FRAMEBUFFER) == GL_FRAMEBUFFER_COMPLETE && IsWell())
            return new GlName(framebuffer);
        DeleteFramebuffer(new GlName(framebuffer), texture);
        texture = default;
        _ = IsWell(); // the refusal's error isn't the next call's
        return default;
    }

    /// <summary>Ends a framebuffer.</summary>
    /// <param name="framebuffer">Which.</param>
    /// <param name="texture">What came with it.</param>
    public void DeleteFramebuffer(GlName framebuffer, GlName texture)
    {
        var name = framebuffer.Name;
        _deleteFramebuffers(1, &name);
        name = texture.Name;
        _deleteTextures(1, &name);
    }

    /// <summary>Draws into a framebuffer from here on, all of it.</summary>
    /// <param name="framebuffer">Which.</param>
    /// <param name="width">Its size in pixels.</param>
    /// <param name="height">Its size in pixels.</param>
    public void BindFramebuffer(GlName framebuffer, int width, int height)
    {
        _bindFramebuffer(GL_FRAMEBUFFER, framebuffer.Name);
        _viewport(0, 0, width, height);
        _enable(GL_SCISSOR_TEST);
    }

    /// <summary>Draws the unit square within a rectangle of the framebuffer. Row 0 is the first in memory: a picture drawn as it is isn't turned over.</summary>
    /// <param name="x">Left edge in pixels.</param>
    /// <param name="y">First row.</param>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    public void DrawSquare(int x, int y, int width, int height)
    {
        _scissor(x, y, width, height);
        _drawArrays(GL_TRIANGLE_STRIP, 0, 4);
    }
}
