// SPDX-License-Identifier: MIT
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Wayland;

[Collection(Alone.Name)]
public sealed class AllocationTests : Conversation, IWlCallbackListener, IWpPresentationFeedbackListener, IWlBufferListener
{
    private const int Frames = 10_000;

    private WlSurface _surface = null!;
    private int _done;
    private int _presented;
    private int _released;

    [Fact]
    public void Ten_thousand_frames_allocate_nothing_in_the_client()
    {
        _surface = Globals.Require<WlCompositor>().CreateSurface();
        using var memory = MemFd(8192);
        var pool = Globals.Require<WlShm>().CreatePool(memory, 8192);
        WlBuffer[] buffers = [pool.CreateBuffer(0, 16, 16, 64, WlShmFormat.Xrgb8888), pool.CreateBuffer(4096, 16, 16, 64, WlShmFormat.Xrgb8888)];
        buffers[0].Listener = buffers[1].Listener = this;
        var presentation = Globals.Require<WpPresentation>();
        var callback = new WlCallback { Listener = this };
        var feedbacks = new[] { new WpPresentationFeedback(), new WpPresentationFeedback() };
        Pump();

        var allocated = 0L;
        for (var frame = -200; frame < Frames; frame++)
        {
            // The fake compositor lives on the same thread and may allocate: only the client's halves are measured.
            var before = GC.GetAllocatedBytesForCurrentThread();
            Present(buffers[frame & 1], presentation, callback, Array.Find(feedbacks, static feedback => !feedback.IsAlive)!);
            Connection.Flush();
            var sent = GC.GetAllocatedBytesForCurrentThread();
            Compositor.Server.Dispatch();
            Compositor.LatchAll();
            Compositor.Server.Dispatch();
            var answered = GC.GetAllocatedBytesForCurrentThread();
            Connection.Dispatch();
            var end = GC.GetAllocatedBytesForCurrentThread();
            if (frame >= 0)
                allocated += sent - before + end - answered;
        }

        Assert.Equal(Frames + 200, _done);
        Assert.Equal(Frames + 200, _presented);
        Assert.Equal(Frames + 199, _released);
        Assert.Equal(0, allocated);
    }

    void IWlCallbackListener.OnDone(WlCallback sender, uint callbackData) => _done++;

    void IWpPresentationFeedbackListener.OnPresented(
        WpPresentationFeedback sender, uint tvSecHi, uint tvSecLo, uint tvNsec, uint refresh, uint seqHi, uint seqLo, WpPresentationFeedbackKind flags) => _presented++;

    void IWlBufferListener.OnRelease(WlBuffer sender) => _released++;

    private void Present(WlBuffer buffer, WpPresentation presentation, WlCallback callback, WpPresentationFeedback feedback)
    {
        feedback.Listener = this;
        _surface.Attach(buffer, 0, 0);
        _surface.DamageBuffer(0, 0, 16, 16);
        _surface.Frame(callback);
        presentation.Feedback(_surface, feedback);
        _surface.Commit();
    }
}
