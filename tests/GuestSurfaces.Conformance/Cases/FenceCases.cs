// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>What an answer carries back of its request's header.</summary>
public static class FenceCases
{
    private const string Spec = "virtio 1.3 §5.7.6.7 VIRTIO_GPU_FLAG_FENCE";

    public static IEnumerable<ConformanceCase> All { get; } =
    [
        new("fence/id-comes-back", Spec, static c =>
        {
            foreach (var id in new ulong[] { 1, 2, 0x1234_5678_9abc_def0, ulong.MaxValue, 0 })
            {
                var answer = c.Judged(Request.Fenced(Request.Create2D(1, GpuFormat.B8G8R8X8, 16, 16), id));
                c.Check(answer.Flags == GpuHeader.FenceFlag && answer.FenceId == id, $"fence {id:x} came back as {answer}");
            }
        }),
        new("fence/none-asked-for-none-given", Spec, static c =>
        {
            var request = Request.Create2D(1, GpuFormat.B8G8R8X8, 16, 16);
            GpuCommands.Put64(request, 8, 99); // a number without the flag means nothing
            var answer = c.Ok(request);
            c.Check(answer.Flags == 0, $"an answer nobody fenced has flags {answer.Flags}");
        }),
        new("fence/context-comes-back", Spec, static c =>
        {
            var answer = c.Ok(Request.Fenced(Request.Create2D(1, GpuFormat.B8G8R8X8, 16, 16), 3, contextId: 7));
            c.Check(answer.ContextId == 7, $"context 7 came back as {answer.ContextId}");
        }),
        new("fence/ring-index-comes-back", Spec + ", VIRTIO_GPU_FLAG_INFO_RING_IDX", static c =>
        {
            var answer = c.Ok(Request.Fenced(Request.Create2D(1, GpuFormat.B8G8R8X8, 16, 16), 3, contextId: 0, ringIndex: 5));
            c.Check(
                answer.Flags == (GpuHeader.FenceFlag | GpuHeader.RingIndexFlag) && answer.RingIndex == 5,
                $"ring 5 came back as {answer}");
        }) { Requires = VirtioFeatures.GpuContextInit },
        new("fence/ring-index-64", Spec + ": at most 63", static c =>
        {
            var answer = c.Guest.Send(Request.Fenced(Request.Create2D(1, GpuFormat.B8G8R8X8, 16, 16), 3, contextId: 0, ringIndex: 64));
            c.Check(answer.Response is GpuResponse.OkNoData or GpuResponse.InvalidParameter or GpuResponse.Unspec, $"ring 64 was answered {answer}");
            c.ExpectAlive();
        }),
        new("fence/errors-signal-too", Spec + ": Linux waits for it", static c =>
        {
            var answer = c.Rejected(Request.Fenced(Request.Unref(77), 11), GpuResponse.InvalidResourceId);
            c.Check(answer.Flags == GpuHeader.FenceFlag && answer.FenceId == 11, $"fence 11 of a failed command came back as {answer}");
        }),
        new("fence/same-id-again", Spec, static c =>
        {
            for (var i = 0; i < 4; i++)
                c.Check(c.Judged(Request.Fenced(Request.Flush(77, GpuRect.Of(1, 1)), 5)).FenceId == 5, "a fence id that was used before is lost");
        }),
        new("fence/on-every-command", Spec, static c =>
        {
            var ram = c.Guest.Memory.Allocate(64 * 48 * 4);
            byte[][] requests =
            [
                Request.GetDisplayInfo(), Request.Create2D(1, GpuFormat.B8G8R8X8, 64, 48), Request.Attach(1, new GpuMemoryEntry(ram, 64 * 48 * 4)),
                Request.SetScanout(0, 1, GpuRect.Of(64, 48)), Request.Transfer(1, GpuRect.Of(64, 48)), Request.Flush(1, GpuRect.Of(64, 48)),
                Request.Detach(1), Request.Unref(1), Request.Bare((GpuCommand)0x999, 24),
            ];
            for (var i = 0; i < requests.Length; i++)
            {
                var answer = c.Judged(Request.Fenced(requests[i], 100 + (ulong)i));
                c.Check(answer.Flags == GpuHeader.FenceFlag && answer.FenceId == 100 + (ulong)i, $"{CaseContext.Describe(requests[i])}: {answer}");
            }
        }),
        new("fence/many-flushes-under-way", Spec + ": each is answered once, with its own id", static c =>
        {
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48);
            var submissions = new List<Submission>();
            for (ulong i = 0; i < 24; i++)
                submissions.Add(c.Guest.Submit(Request.Fenced(Request.Flush(1, GpuRect.Of(64, 48)), 1000 + i), GpuHeader.SizeBytes, notify: false));
            c.Guest.Frontend.Control.Notify();
            for (var i = 0; i < submissions.Count; i++)
            {
                c.Guest.Wait(submissions[i]);
                var answer = GpuCommands.ReadHeader(c.Guest.Response(submissions[i]));
                c.Check(answer is { Response: GpuResponse.OkNoData, Flags: GpuHeader.FenceFlag } && answer.FenceId == 1000 + (ulong)i, $"flush {i}: {answer}");
            }
        }),
        new("fence/flush-is-answered-within-100-ms", "Linux waits 50 ms for a flush and then goes on", static c =>
        {
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48);
            var slow = 0;
            for (ulong i = 0; i < 10; i++)
            {
                var before = Environment.TickCount64;
                c.Ok(Request.Fenced(Request.Flush(1, GpuRect.Of(64, 48)), i));
                slow += Environment.TickCount64 - before >= 100 ? 1 : 0;
            }

            // Not all: a busy machine may have made some of them late.
            c.Check(slow < 5, $"{slow} of 10 fenced flushes took 100 ms and more");
        }),
    ];
}
