// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>What came of a random run.</summary>
/// <param name="Commands">How many commands each back-end got.</param>
/// <param name="Answers">How many answers were compared with the model.</param>
/// <param name="PeerAnswers">How many were compared between back-ends.</param>
/// <param name="PeerDifferences">How many of those were different although the specification allows both.</param>
/// <param name="DifferenceKinds">Those differences by command and the two answers, and how often each came.</param>
/// <param name="Pixels">How many pixels were compared with the model.</param>
/// <param name="Failures">What was wrong, with the seed that shows it again.</param>
public sealed record RandomReport(
    int Commands, long Answers, long PeerAnswers, long PeerDifferences, IReadOnlyDictionary<string, int> DifferenceKinds, long Pixels, IReadOnlyList<string> Failures);

/// <summary>Sends the same random sequences to back-ends and to the reference model, and compares.</summary>
public static class RandomDifferential
{
    private const int SequenceLength = 200;
    private const int PictureEvery = 8;
    private const int MostFailures = 10;

    /// <param name="starters">The back-ends; the first is the one under test.</param>
    /// <param name="commands">How many commands, in sequences of 200.</param>
    /// <param name="seed">Of the first sequence; the others follow.</param>
    /// <param name="tame">See <see cref="RandomScript"/>.</param>
    public static RandomReport Run(IReadOnlyList<Func<BackendUnderTest>> starters, int commands, int seed, bool tame)
    {
        long answers = 0, pixels = 0, peerAnswers = 0, peerDifferences = 0;
        var failures = new List<string>();
        var kinds = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var scanouts = starters.Min(CountScanouts);
        for (var done = 0; done < commands && failures.Count < MostFailures; done += SequenceLength, seed++)
        {
            var length = Math.Min(SequenceLength, commands - done);
            var traces = new List<(byte[] Request, GpuResponse Answer)>[starters.Count];
            for (var i = 0; i < starters.Count; i++)
                traces[i] = RunOne(starters[i], seed, length, tame, scanouts, failures, ref answers, ref pixels);
            for (var i = 1; i < starters.Count; i++)
                Compare(traces[0], traces[i], kinds, ref peerAnswers, ref peerDifferences);
        }

        return new RandomReport(commands, answers, peerAnswers, peerDifferences, kinds, pixels, failures);
    }

    private static List<(byte[] Request, GpuResponse Answer)> RunOne(
        Func<BackendUnderTest> start, int seed, int length, bool tame, uint scanouts, List<string> failures, ref long answers, ref long pixels)
    {
        var trace = new List<(byte[], GpuResponse)>(length);
        using var backend = start();
        using var context = new CaseContext(backend, new FrontendOptions());
        try
        {
            var guest = context.Guest;
            var script = new RandomScript(seed, context.Model, guest.Memory, tame, scanouts);
            for (var step = 0; step < length; step++)
            {
                var mark = guest.Memory.Mark();
                var (request, layout) = script.Next();
                var acceptable = context.Model.Judge(request);
                var submission = guest.Submit(request, GpuCommands.EdidBytes, layout);
                guest.Wait(submission);
                var header = GpuCommands.ReadHeader(guest.Response(submission));
                guest.Memory.Release(mark);
                trace.Add((request, header.Response));
                context.Compare(request, header, acceptable);
                if (step % PictureEvery == 0 || step == length - 1)
                    ComparePictures(context);
            }
        }
        catch (Exception e) when (e is ConformanceFailureException or BackendGoneException or BackendSilentException or BackendMisbehavedException or SyscallException)
        {
            failures.Add($"{backend.Name}: seed {seed}, step {trace.Count}: {e.Message}");
        }

        answers += context.Answers;
        pixels += context.Pixels;
        return trace;
    }

    private static uint CountScanouts(Func<BackendUnderTest> start)
    {
        using var backend = start();
        using var context = new CaseContext(backend, new FrontendOptions());
        return context.Model.ScanoutCount;
    }

    private static void ComparePictures(CaseContext context)
    {
        for (var i = 0; i < Math.Min(2, context.Model.ScanoutCount); i++)
            context.ExpectPicture(i);
    }

    private static void Compare(
        List<(byte[] Request, GpuResponse Answer)> a, List<(byte[] Request, GpuResponse Answer)> b, SortedDictionary<string, int> kinds, ref long answers, ref long differences)
    {
        for (var i = 0; i < Math.Min(a.Count, b.Count); i++)
        {
            if (!a[i].Request.AsSpan().SequenceEqual(b[i].Request))
                return; // an allowed difference has led them apart
            answers++;
            if (a[i].Answer == b[i].Answer)
                continue;
            differences++;
            var kind = $"{(GpuCommand)GpuCommands.Get32(a[i].Request, 0)}: {a[i].Answer} here, {b[i].Answer} there";
            kinds[kind] = kinds.GetValueOrDefault(kind) + 1;
        }
    }
}
