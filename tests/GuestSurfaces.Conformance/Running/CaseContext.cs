// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>
/// What a case works with: a VMM and a guest, connected to the back-end, and the reference model that follows along. Every answer is
/// compared with what the model allows.
/// </summary>
public sealed class CaseContext : IDisposable
{
    /// <summary>A stretch of guest RAM that the allocator never reaches: for requests whose bytes must always be the same.</summary>
    public const ulong Playground = 0x0200_0000;

    /// <summary>How long a picture may take to appear after the flush was answered.</summary>
    private const int PictureTimeoutMs = 2000;

    private const string GaveUp = "the back-end gave up the connection because of what the guest wrote";

    private readonly FrontendOptions _options;
    private readonly byte[] _pixels = new byte[4 * 1024 * 1024];
    private ScriptedFrontend? _vmm;
    private GuestDriver? _guest;
    private ReferenceDevice? _model;

    public CaseContext(BackendUnderTest backend, FrontendOptions options)
    {
        Backend = backend;
        _options = options;
    }

    public BackendUnderTest Backend { get; }

    /// <summary>Answers compared with the model so far.</summary>
    public int Answers { get; private set; }

    /// <summary>Pixels compared with the model so far.</summary>
    public long Pixels { get; private set; }

    /// <summary>Pictures were to be compared and nobody could see them.</summary>
    public bool IsBlind { get; private set; }

    /// <summary>The VMM; connects on first use, and says nothing until <see cref="Guest"/> is used.</summary>
    public ScriptedFrontend Vmm => _vmm ??= new ScriptedFrontend(Backend.Connect(), _options);

    /// <summary>The guest; boots on first use.</summary>
    public GuestDriver Guest => _guest ??= Vmm.Boot();

    public ReferenceDevice Model => _model ??= NewModel();

    /// <summary>The back-end says how many scanouts there are; QEMU's helper says 0 and leaves it to QEMU.</summary>
    public uint ScanoutCount { get; private set; }

    /// <summary>Sends a command that must succeed.</summary>
    public GpuHeader Ok(byte[] request) => Expect(request, Model.Judge(request) is var allowed && allowed.Contains(GpuResponse.OkNoData)
        ? AnswerSet.Ok
        : throw new InvalidOperationException($"the case demands success where the model allows {allowed}"));

    /// <summary>Sends a command that must fail in one of the given ways.</summary>
    public GpuHeader Rejected(byte[] request, params ReadOnlySpan<GpuResponse> acceptable) => Expect(request, AnswerSet.Of(acceptable));

    /// <summary>Sends a command; the model alone says what is right.</summary>
    public GpuHeader Judged(byte[] request) => Expect(request, Model.Judge(request));

    /// <summary>Sends a command and compares its answer.</summary>
    public GpuHeader Expect(byte[] request, AnswerSet acceptable)
    {
        var header = Guest.Send(request);
        Compare(request, header, acceptable);
        return header;
    }

    /// <summary>Compares an answer that was got by other ways, and lets the model follow.</summary>
    public void Compare(byte[] request, GpuHeader answer, AnswerSet acceptable)
    {
        Answers++;
        if (!acceptable.Contains(answer.Response))
            throw new ConformanceFailureException($"{Describe(request)} was answered {Describe(answer)}, {acceptable} expected");
        if (answer.Response == GpuResponse.OkNoData)
            Model.Commit(request);
    }

    public void Check(bool condition, string what)
    {
        Answers++;
        if (!condition)
            throw new ConformanceFailureException(what);
    }

    /// <summary>Makes a resource with backing, filled with a picture that differs in every pixel.</summary>
    /// <returns>Where its backing is.</returns>
    public ulong MakeResource(uint id, GpuFormat format, uint width, uint height, int seed = 1)
    {
        var ram = Guest.Memory.Allocate(width * height * 4UL);
        Paint(ram, width * height, seed);
        Ok(Request.Create2D(id, format, width, height));
        Ok(Request.Attach(id, new GpuMemoryEntry(ram, width * height * 4)));
        return ram;
    }

    /// <summary>Makes a resource and shows all of it.</summary>
    public ulong ShowResource(uint id, uint scanout, GpuFormat format, uint width, uint height, int seed = 1)
    {
        var ram = MakeResource(id, format, width, height, seed);
        Ok(Request.SetScanout(scanout, id, GpuRect.Of(width, height)));
        Ok(Request.Transfer(id, GpuRect.Of(width, height)));
        Ok(Request.Flush(id, GpuRect.Of(width, height)));
        return ram;
    }

    /// <summary>Fills guest RAM with pixels that depend on the seed.</summary>
    public void Paint(ulong address, uint pixels, int seed)
    {
        var bytes = new byte[pixels * 4];
        new Random(seed).NextBytes(bytes);
        Guest.Memory.Write(address, bytes);
    }

    /// <summary>Compares what is shown with the model, pixel by pixel.</summary>
    public void ExpectPicture(int scanout)
    {
        var deadline = Environment.TickCount64 + PictureTimeoutMs;
        while (true)
        {
            Vmm.PumpAll();
            if (Backend.Probe == null && Vmm.Display is not { SetFeatures: not null })
            {
                IsBlind = true; // it ignores the display socket and there is no probe: the answers are all there is
                return;
            }

            var difference = FindDifference(scanout);
            if (difference == null)
                return;
            if (Backend.Probe == null || Environment.TickCount64 > deadline)
                throw new ConformanceFailureException($"scanout {scanout}: {difference}");
            Vmm.Pump(5); // a presenter may be a frame behind
        }
    }

    /// <summary>A question and its answer: the proof that the back-end still works.</summary>
    public void ExpectAlive()
    {
        Span<byte> response = stackalloc byte[GpuCommands.DisplayInfoBytes];
        var request = Request.GetDisplayInfo();
        var written = Guest.SubmitAndWait(request, response);
        Compare(request, GpuCommands.ReadHeader(response), AnswerSet.Of(GpuResponse.OkDisplayInfo));
        Check(written == GpuCommands.DisplayInfoBytes, $"GET_DISPLAY_INFO was answered with {written} bytes, not {GpuCommands.DisplayInfoBytes}");
    }

    /// <summary>
    /// After something that may cost the connection or the rings: starts the device again, on a new connection if this one is gone,
    /// and proves that it works. A back-end that can't be connected to again must at least have ended without a crash.
    /// </summary>
    /// <param name="connectionMustStay">What happened was the guest's doing: no reason to leave the VMM.</param>
    public void ExpectRecovery(bool connectionMustStay = false)
    {
        _vmm?.PumpAll();
        Check(!connectionMustStay || _vmm is { IsClosed: false }, GaveUp);
        if (_vmm is { IsClosed: false })
        {
            try
            {
                _vmm.Stop();
                Guest.Reset();
                _vmm.Start();
                _model = null;
                ExpectAlive();
                return;
            }
            catch (BackendGoneException) when (!connectionMustStay)
            {
                // It has made up its mind to close after all.
            }
        }

        Disconnect();
        if (!Backend.CanReconnect)
        {
            Check(Backend.Ailment() is null, $"the back-end didn't survive: {Backend.Ailment()}");
            return;
        }

        ExpectAlive();
    }

    /// <summary>Lets the VMM vanish; the next use connects again.</summary>
    public void Disconnect()
    {
        _vmm?.Dispose();
        _vmm = null;
        _guest = null;
        _model = null;
    }

    public void Dispose() => Disconnect();

    /// <summary>A request in words.</summary>
    public static string Describe(ReadOnlySpan<byte> request) =>
        request.Length < 4 ? $"a request of {request.Length} bytes" : $"{(GpuCommand)GpuCommands.Get32(request, 0)}[{Convert.ToHexString(request[Math.Min(24, request.Length)..Math.Min(72, request.Length)])}]";

    private static string Describe(GpuHeader answer) => Enum.IsDefined(answer.Response) ? answer.Response.ToString() : $"0x{answer.Type:x}";

    private ReferenceDevice NewModel()
    {
        _ = Guest; // the features are known once it has booted
        var config = Vmm.AckedProtocol.HasFlag(ProtocolFeatures.Config) ? Vmm.GetConfig(0, 16) : [];
        ScanoutCount = config.Length >= 12 ? GpuCommands.Get32(config, 8) : 0;
        if (ScanoutCount is 0 or > ReferenceDevice.MaxScanouts)
            ScanoutCount = ReferenceDevice.MaxScanouts;
        return new ReferenceDevice(Vmm.Memory) { Features = Vmm.Acked, ScanoutCount = ScanoutCount };
    }

    private string? FindDifference(int index)
    {
        var shown = TryRead(index, out var width, out var height);
        if (Model.Scanout(index) is not { } scanout)
            return shown ? $"shows {width}x{height} and should be off" : null;
        if (!shown)
            return "is off and should show something";
        if (width != scanout.Rect.Width || height != scanout.Rect.Height)
            return $"shows {width}x{height}, {scanout.Rect.Width}x{scanout.Rect.Height} expected";
        var wrong = 0;
        string? first = null;
        for (uint y = 0; y < height; y++)
        {
            for (uint x = 0; x < width; x++)
            {
                var rgb = GpuCommands.Get32(_pixels, (int)((y * width) + x) * 4) & 0xff_ffff;
                if (scanout.Allows(x, y, rgb))
                    continue;
                wrong++;
                first ??= $"pixel {x},{y} is {rgb:x6}, {scanout.Expected(x, y):x6} expected";
            }
        }

        if (wrong > 0)
            return $"{first}; {wrong} of {width * height} pixels are wrong";
        Pixels += width * height;
        return null;
    }

    private bool TryRead(int index, out int width, out int height)
    {
        if (Backend.Probe is { } probe)
            return probe.TryReadScanout(index, _pixels, out width, out height);
        var scanout = Vmm.Display!.Scanouts[index];
        (width, height) = (scanout.Width, scanout.Height);
        return scanout.TryRead(_pixels);
    }
}
