// SPDX-License-Identifier: MIT
using System.Diagnostics;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>How a case ended.</summary>
public enum Verdict
{
    Passed,

    /// <summary>It failed, and nobody expected that.</summary>
    Failed,

    /// <summary>It failed as the list says.</summary>
    Deviates,

    /// <summary>It passed although the list says otherwise: the list is wrong.</summary>
    UnexpectedlyPassed,

    Skipped,
}

/// <summary>What came of a case.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Verdict">How it ended.</param>
/// <param name="Detail">Why; empty if it passed.</param>
/// <param name="Answers">How many answers were compared.</param>
/// <param name="Pixels">How many pixels were compared.</param>
/// <param name="Milliseconds">How long it took.</param>
public sealed record CaseResult(string Name, Verdict Verdict, string Detail, int Answers, long Pixels, double Milliseconds)
{
    /// <summary>The detail of a case that passed without its pictures having been seen.</summary>
    public const string Blind = "answers only: nobody could see its pictures";

    public bool IsBad => Verdict is Verdict.Failed or Verdict.UnexpectedlyPassed;
}

/// <summary>Runs cases, each against a fresh back-end.</summary>
/// <param name="start">Starts one, or connects to the one there is.</param>
/// <param name="expectations">What is known about it.</param>
public sealed class SuiteRunner(Func<BackendUnderTest> start, Expectations expectations)
{
    private const int LongestOutput = 600;

    private VirtioFeatures? _features;
    private ProtocolFeatures _protocol;

    public CaseResult Run(ConformanceCase conformanceCase)
    {
        var clock = Stopwatch.StartNew();
        if (expectations.SkipOf(conformanceCase) is { } skip)
            return new CaseResult(conformanceCase.Name, Verdict.Skipped, skip, 0, 0, 0);
        if (Missing(conformanceCase) is { } missing)
            return new CaseResult(conformanceCase.Name, Verdict.Skipped, missing, 0, 0, 0);

        using var backend = start();
        using var context = new CaseContext(backend, conformanceCase.Frontend);
        string? failure = null;
        try
        {
            conformanceCase.Run(context);
            context.Disconnect();
            failure = backend.Ailment();
        }
        catch (CaseNotApplicableException e)
        {
            return new CaseResult(conformanceCase.Name, Verdict.Skipped, e.Message, context.Answers, context.Pixels, clock.Elapsed.TotalMilliseconds);
        }
        catch (Exception e) when (e is ConformanceFailureException or BackendGoneException or BackendSilentException or BackendMisbehavedException or SyscallException)
        {
            failure = e.Message;
            if (e is BackendGoneException)
            {
                context.Disconnect();
                failure += backend.Ailment() is { } ailment ? $" ({ailment})" : "";
            }

            if (backend.Output().Trim() is { Length: > 0 } output)
                failure += $" [it printed: {output[Math.Max(0, output.Length - LongestOutput)..].ReplaceLineEndings(" ")}]";
        }

        var expected = expectations.FailureOf(conformanceCase.Name);
        var (verdict, detail) = (failure, expected) switch
        {
            (null, null) => (Verdict.Passed, context.IsBlind ? CaseResult.Blind : ""),
            (null, _) => (Verdict.UnexpectedlyPassed, $"it was expected to fail: {expected}"),
            (_, null) => (Verdict.Failed, failure),
            _ => (Verdict.Deviates, $"{expected} <{failure}>"),
        };
        return new CaseResult(conformanceCase.Name, verdict, detail, context.Answers, context.Pixels, clock.Elapsed.TotalMilliseconds);
    }

    private string? Missing(ConformanceCase conformanceCase)
    {
        if (conformanceCase.Requires == 0 && conformanceCase.RequiresProtocol == 0)
            return null;
        if (_features == null)
        {
            using var backend = start();
            using var vmm = new ScriptedFrontend(backend.Connect());
            vmm.Connect();
            (_features, _protocol) = (vmm.Offered, vmm.OfferedProtocol);
        }

        var features = conformanceCase.Requires & ~_features.Value;
        var protocol = conformanceCase.RequiresProtocol & ~_protocol;
        return features != 0 ? $"{features} isn't offered" : protocol != 0 ? $"{protocol} isn't offered" : null;
    }
}
