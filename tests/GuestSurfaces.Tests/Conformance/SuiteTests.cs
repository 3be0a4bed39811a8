// SPDX-License-Identifier: MIT
using GuestSurfaces.Conformance;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.VhostUser;
using Xunit;

namespace GuestSurfaces.Tests.Conformance;

/// <summary>The suite's own parts.</summary>
public sealed class SuiteTests
{
    [Fact]
    public void Every_case_has_a_name_of_its_own() =>
        Assert.Equal(CaseList.All.Count, CaseList.All.Select(c => c.Name).Distinct().Count());

    [Fact]
    public void Case_expected_to_fail_that_passes_is_bad()
    {
        var passes = new ConformanceCase("test/passes", "", static _ => { });
        var result = new SuiteRunner(static () => new NoBackend(), Expectations.Parse(["fail test/passes because"])).Run(passes);
        Assert.Equal(Verdict.UnexpectedlyPassed, result.Verdict);
        Assert.True(result.IsBad);
    }

    [Fact]
    public void Case_expected_to_fail_that_fails_is_a_deviation()
    {
        var fails = new ConformanceCase("test/fails", "", static c => c.Check(false, "no"));
        var result = new SuiteRunner(static () => new NoBackend(), Expectations.Parse(["fail test/* because"])).Run(fails);
        Assert.Equal(Verdict.Deviates, result.Verdict);
        Assert.False(result.IsBad);
    }

    [Fact]
    public void Hostile_case_is_skipped_with_its_reason()
    {
        var hostile = new ConformanceCase("test/hostile", "", static _ => { }) { HostileToPeers = "it falls over" };
        var result = new SuiteRunner(static () => new NoBackend(), Expectations.Parse(["skip-hostile not hardened"])).Run(hostile);
        Assert.Equal(Verdict.Skipped, result.Verdict);
        Assert.Equal("not hardened: it falls over", result.Detail);
    }

    [Fact]
    public void Expectations_for_qemu_name_only_cases_that_exist()
    {
        var names = CaseList.All.Select(c => c.Name).ToHashSet();
        var lines = File.ReadAllLines(Repository.Path("tests/GuestSurfaces.Conformance/Expectations/qemu-7.2.txt"));
        var named = lines.Where(l => l.StartsWith("fail ", StringComparison.Ordinal)).Select(l => l.Split(' ')[1]).ToArray();
        Assert.NotEmpty(named);
        Assert.All(named, name => Assert.Contains(name, names));
    }

    [Fact]
    public void Corpus_on_disk_is_what_the_suite_writes()
    {
        var written = Directory.CreateTempSubdirectory("corpus-").FullName;
        try
        {
            var (files, bytes) = CorpusWriter.Write(written);
            Assert.InRange(files, 100, 200);
            Assert.InRange(bytes, 1, 300_000);
            var corpus = Repository.Path("tests/corpus");
            foreach (var file in Directory.GetFiles(written, "*.bin", SearchOption.AllDirectories))
            {
                var committed = Path.Combine(corpus, Path.GetRelativePath(written, file));
                Assert.True(File.Exists(committed), $"{committed} is missing: run 'vhost-user-gpu-conformance corpus tests/corpus'");
                Assert.Equal(File.ReadAllBytes(committed), File.ReadAllBytes(file));
            }
        }
        finally
        {
            Directory.Delete(written, recursive: true);
        }
    }

    [Fact]
    public void Model_sees_a_transfer_only_after_a_flush()
    {
        using var memory = new GuestMemory(new GuestMemoryOptions());
        var model = new ReferenceDevice(memory);
        var ram = memory.Allocate(16 * 16 * 4);
        memory.Write(ram, new byte[] { 0x33, 0x22, 0x11, 0 });
        model.Commit(Request.Create2D(1, GpuFormat.B8G8R8X8, 16, 16));
        model.Commit(Request.Attach(1, new GpuMemoryEntry(ram, 16 * 16 * 4)));
        model.Commit(Request.SetScanout(0, 1, GpuRect.Of(16, 16)));
        model.Commit(Request.Transfer(1, GpuRect.Of(16, 16)));
        Assert.Equal(ModelResource.Unknown, model.Scanout(0)!.Expected(0, 0));
        model.Commit(Request.Flush(1, GpuRect.Of(16, 16)));
        Assert.Equal(0x112233u, model.Scanout(0)!.Expected(0, 0));
        Assert.False(model.Scanout(0)!.Allows(0, 0, 0x332211));
    }

    [Fact]
    public void Model_agrees_with_every_negative_case()
    {
        using var memory = new GuestMemory(new GuestMemoryOptions());
        var model = new ReferenceDevice(memory) { Features = VhostUserWire.GuestKnows };
        var ram = memory.Allocate(64 * 64 * 4);
        model.Commit(Request.Create2D(1, GpuFormat.B8G8R8X8, 64, 64));
        model.Commit(Request.Attach(1, new GpuMemoryEntry(ram, 64 * 64 * 4)));
        model.Commit(Request.SetScanout(0, 1, GpuRect.Of(64, 64)));
        model.Commit(Request.Create2D(2, GpuFormat.B8G8R8X8, 64, 64));
        model.Commit(Request.CreateBlob(3, GpuBlobMemory.Guest, 2, 16384, new GpuMemoryEntry(CaseContext.Playground, 16384)));
        Assert.All(NegativeCommandCases.Commands, command =>
            Assert.False((model.Judge(command.Bytes) & command.Acceptable).IsEmpty, $"{command.Name}: the model allows {model.Judge(command.Bytes)}, the case {command.Acceptable}"));
    }

    private sealed class NoBackend : BackendUnderTest
    {
        public override string Name => "none";

        public override bool CanReconnect => false;

        public override UnixSocketHandle Connect() => throw new InvalidOperationException("nobody is there");

        public override string? Ailment() => null;
    }
}
