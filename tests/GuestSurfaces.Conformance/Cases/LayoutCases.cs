// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>Every command in every shape of descriptor chain.</summary>
public static class LayoutCases
{
    private const string Spec = "virtio 1.3 §2.7.4: a device makes no assumption about message framing";

    public static IEnumerable<ConformanceCase> All { get; } =
    [
        .. DescriptorLayout.All.Select(static layout => new ConformanceCase("layout/" + layout.Name.Replace(' ', '-').Replace(",", "", StringComparison.Ordinal), Spec, c =>
        {
            if (layout.NeedsIndirect && !c.Guest.Frontend.Acked.HasFlag(VirtioFeatures.IndirectDescriptors))
                throw new CaseNotApplicableException("no indirect descriptors");
            var ram = c.Guest.Memory.Allocate(64 * 48 * 4);
            c.Paint(ram, 64 * 48, 4);
            byte[][] requests =
            [
                Request.Create2D(1, GpuFormat.B8G8R8X8, 64, 48),
                Request.Attach(1, new(ram, 4096), new(ram + 4096, 4096), new(ram + 8192, 4096)),
                Request.SetScanout(0, 1, GpuRect.Of(64, 48)),
                Request.Transfer(1, GpuRect.Of(64, 48)),
                Request.Fenced(Request.Flush(1, GpuRect.Of(64, 48)), 5),
                Request.GetDisplayInfo(),
                Request.Unref(77),
            ];
            foreach (var request in requests)
            {
                var submission = c.Guest.Submit(request, GpuCommands.DisplayInfoBytes, layout);
                c.Guest.Wait(submission);
                var answer = c.Guest.Response(submission);
                c.Compare(request, GpuCommands.ReadHeader(answer), c.Model.Judge(request));
                var expected = request.AsSpan().SequenceEqual(Request.GetDisplayInfo()) ? GpuCommands.DisplayInfoBytes : GpuHeader.SizeBytes;
                c.Check(answer.Length == expected, $"{CaseContext.Describe(request)}: {answer.Length} bytes were written, {expected} expected");
            }

            c.ExpectPicture(0);
        })),
        new("layout/attach-of-entries-split-mid-entry", Spec, static c =>
        {
            var ram = c.Guest.Memory.Allocate(64 * 64 * 4);
            c.Paint(ram, 64 * 64, 9);
            c.Ok(Request.Create2D(1, GpuFormat.B8G8R8X8, 64, 64));
            var attach = Request.Attach(1, [.. Enumerable.Range(0, 4).Select(i => new GpuMemoryEntry(ram + (4096UL * (ulong)i), 4096))]);
            var submission = c.Guest.Submit(attach, GpuHeader.SizeBytes, new("", [30, 9, 16, 1], []));
            c.Guest.Wait(submission);
            c.Compare(attach, GpuCommands.ReadHeader(c.Guest.Response(submission)), AnswerSet.Ok);
            c.Ok(Request.SetScanout(0, 1, GpuRect.Of(64, 64)));
            c.Ok(Request.Transfer(1, GpuRect.Of(64, 64)));
            c.Ok(Request.Flush(1, GpuRect.Of(64, 64)));
            c.ExpectPicture(0);
        }),
        new("layout/request-longer-than-needed", Spec + "; trailing bytes are ignored", static c =>
        {
            byte[] request = [.. Request.Create2D(1, GpuFormat.B8G8R8X8, 16, 16), .. new byte[100]];
            c.Expect(request, AnswerSet.Ok);
            c.Ok(Request.Unref(1));
        }),
        new("layout/ring-full", "virtio 1.3 §2.7", static c =>
        {
            // 32 chains of two descriptors fill a ring of 64; one kick.
            var request = Request.GetDisplayInfo();
            var all = new List<Submission>();
            for (var i = 0; i < c.Guest.Frontend.Control.Size / 2; i++)
                all.Add(c.Guest.Submit(request, GpuCommands.DisplayInfoBytes, notify: false));
            c.Guest.Frontend.Control.Notify();
            foreach (var submission in all)
            {
                c.Guest.Wait(submission);
                c.Compare(request, GpuCommands.ReadHeader(c.Guest.Response(submission)), c.Model.Judge(request));
            }
        }),
        new("layout/indices-wrap", "virtio 1.3 §2.7.6: indices are free-running 16-bit numbers", static c =>
        {
            var request = Request.Unref(77);
            for (var i = 0; i < 70_000; i++)
            {
                if (c.Guest.Send(request).Response != GpuResponse.InvalidResourceId)
                    c.Judged(request);
            }

            c.ExpectAlive();
        }),
        new("layout/interrupts-suppressed", "virtio 1.3 §2.7.7", static c =>
        {
            var queue = c.Guest.Frontend.Control;
            queue.SetInterrupts(false);
            var request = Request.Unref(77);
            var submissions = Enumerable.Range(0, 8).Select(_ => c.Guest.Submit(request, GpuHeader.SizeBytes, notify: false)).ToArray();
            queue.Notify();
            // No interrupt may be counted on: the driver looks by itself.
            var deadline = Environment.TickCount64 + 2000;
            while (!submissions[^1].IsDone && Environment.TickCount64 < deadline)
                c.Guest.TryWait(submissions[^1], 1);
            c.Check(submissions[^1].IsDone, "nothing came back with interrupts suppressed");
            queue.SetInterrupts(true);
            c.ExpectAlive();
        }) { Frontend = new() { Features = VhostUserWire.GuestKnows & ~VirtioFeatures.EventIndex } },
    ];
}
