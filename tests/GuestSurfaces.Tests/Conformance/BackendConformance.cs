// SPDX-License-Identifier: MIT
using GuestSurfaces.Conformance;
using Xunit;

namespace GuestSurfaces.Tests.Conformance;

/// <summary>
/// The whole suite against one back-end. To put another one under test, derive from this and say how it is started; what is known
/// to be otherwise goes into <see cref="Known"/>.
/// </summary>
public abstract class BackendConformance(ITestOutputHelper output)
{
    private const int RandomCommands = 4000;

    public static TheoryData<string> Groups => [.. CaseList.All.Select(c => c.Group).Distinct()];

    /// <summary>What is known to be otherwise with this back-end.</summary>
    protected virtual Expectations Known => Expectations.None;

    [Theory]
    [MemberData(nameof(Groups))]
    public void Back_end_conforms_in(string group)
    {
        RequirePresence();
        var runner = new SuiteRunner(Start, Known);
        var results = CaseList.All.Where(c => c.Group == group).Select(runner.Run).ToList();
        var table = new StringWriter();
        RunReport.WriteTable(table, results, all: true);
        output.WriteLine(table.ToString());
        output.WriteLine(RunReport.Summary(results));
        Assert.DoesNotContain(results, r => r.IsBad);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1_000_000)]
    public void Random_commands_are_answered_and_shown_as_the_model_allows(int seed)
    {
        RequirePresence();
        var report = RandomDifferential.Run([Start, .. Peers], RandomCommands, seed, tame: Known.RandomTame != null || Peers.Count > 0);
        output.WriteLine(RunReport.Summary(report));
        Assert.Empty(report.Failures);
    }

    /// <summary>Back-ends that get the same random commands, to be compared with.</summary>
    protected virtual IReadOnlyList<Func<BackendUnderTest>> Peers => [];

    /// <summary>Starts the back-end, once per case.</summary>
    protected abstract BackendUnderTest Start();

    /// <summary>Skips, or in CI fails, where the back-end isn't there.</summary>
    protected virtual void RequirePresence()
    {
    }
}
