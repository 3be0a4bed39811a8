// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using GuestSurfaces.Link;
using GuestSurfaces.Presentation;
using Microsoft.Extensions.Logging.Abstractions;

namespace GuestSurfaces.Cli.Capture;

/// <summary>
/// One picture of what a guest shows, read by CPU: a viewer beside the one in charge, which goes when it has a frame. Neither a compositor nor any other window has a part in it, and the guest
/// isn't paced by it. A guest that draws meanwhile is seen drawing. Thread: its own, until it has the picture.
/// </summary>
internal sealed class GuestCapture : IGuestDisplay, IDisposable
{
    private const long PatienceNs = 5_000_000_000;
    private const int FenceMs = 1000;

    private readonly EventLoop _loop = new();
    private readonly LinkViewer _link;
    private readonly LoopTimer _patience;
    private readonly int _head;
    private string _problem;
    private byte[]? _rgb;
    private BufferSize _size;

    private GuestCapture(int head)
    {
        _head = head;
        _problem = $"head {head} shows nothing";
        _link = new LinkViewer(_loop, new LinkViewerOptions { Name = "guest-surfaces plugin capture", WantsControl = false, Credit = 1 }, new GuestStatistics(), NullLogger.Instance)
        {
            Display = this,
            Replayed = _loop.Stop, // what hasn't come by now isn't there
            Lost = why => Fail($"its device has gone{(why is null ? "" : $": {why}")}"),
        };
        _patience = _loop.Timers.Create(_loop.Stop);
        _loop.Failed = e => Fail(e.Message);
    }

    /// <summary>Takes a picture.</summary>
    /// <param name="link">The guest's socket.</param>
    /// <param name="head">0 to 15.</param>
    /// <returns>Its size in pixels, and its rows as <see cref="PngFile"/> wants them.</returns>
    /// <exception cref="UserErrorException">There is none to be had.</exception>
    public static (BufferSize Size, byte[] Rgb) Take(string link, int head)
    {
        using var capture = new GuestCapture(head);
        try
        {
            capture._link.Connect(link);
        }
        catch (SyscallException e)
        {
            throw new UserErrorException($"the guest's device isn't there: {e.Message}", "see: guest-surfaces status");
        }

        capture._patience.ArmIn(PatienceNs);
        capture._loop.Run();
        return capture._rgb is { } rgb ? (capture._size, rgb) : throw new UserErrorException($"there is no picture of the guest: {capture._problem}", "see: guest-surfaces status");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _link.Dispose();
        _loop.Dispose();
    }

    void IGuestDisplay.Present(int scanout, in GuestFrame frame)
    {
        if (scanout == _head && _rgb is null)
        {
            if (frame.Acquire.Fence?.Wait(FenceMs) == false)
                _problem = "it isn't complete, and its fence doesn't say when";
            else
                (_rgb, _size) = (FrameReader.TryReadRgb(in frame, ref _problem), frame.Source.Size);
            _loop.Stop();
        }

        frame.Acquire.Fence?.Dispose();
        frame.Storage.Unlock();
        _link.Superseded(scanout, frame.Serial);
    }

    void IGuestDisplay.Disable(int scanout)
    {
    }

    void IGuestDisplay.Blank(int scanout)
    {
        if (scanout == _head)
            Fail("the guest has turned its screen off");
    }

    void IGuestDisplay.SetCursor(int scanout, in CursorImage image, int x, int y) => image.Storage?.Unlock();

    void IGuestDisplay.MoveCursor(int scanout, int x, int y)
    {
    }

    private void Fail(string problem)
    {
        _problem = problem;
        _loop.Stop();
    }
}
