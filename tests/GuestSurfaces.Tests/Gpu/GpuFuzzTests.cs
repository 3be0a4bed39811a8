// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using GuestSurfaces.Testing.Gpu;
using Xunit;

namespace GuestSurfaces.Tests.Gpu;

/// <summary>The corpus, and mutations of it: a few in every run, as many as fit into GS_FUZZ_SECONDS if that is set.</summary>
public sealed class GpuFuzzTests(ITestOutputHelper output)
{
    private static string Corpus
    {
        get
        {
            for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
            {
                if (File.Exists(Path.Combine(at.FullName, "GuestSurfaces.sln")))
                    return Path.Combine(at.FullName, "tests", "corpus", "virtio-gpu");
            }

            throw new DirectoryNotFoundException("tests run inside the source tree");
        }
    }

    [Fact]
    public void The_corpus_runs()
    {
        var files = Directory.GetFiles(Corpus, "*.bin");
        Assert.NotEmpty(files);
        long frames = 0;
        foreach (var file in files)
            frames += RunOne(File.ReadAllBytes(file), Path.GetFileName(file));
        output.WriteLine($"{files.Length} inputs, {frames} frames");
        Assert.True(frames > files.Length, "the corpus doesn't get far");
    }

    [Fact]
    public void Mutations_of_the_corpus_run()
    {
        var seconds = Environment.GetEnvironmentVariable("GS_FUZZ_SECONDS") is { } text ? double.Parse(text, CultureInfo.InvariantCulture) : 0;
        var seeds = Directory.GetFiles(Corpus, "*.bin").Order(StringComparer.Ordinal).Select(File.ReadAllBytes).ToArray();
        var random = new Random(seconds > 0 ? Environment.TickCount : 1);
        var watch = Stopwatch.StartNew();
        var runs = 0;
        long frames = 0;
        for (; runs < 150 || watch.Elapsed.TotalSeconds < seconds; runs++)
            frames += RunOne(Mutate(seeds, random), $"mutation {runs}");
        output.WriteLine($"{runs} inputs, {frames} frames in {watch.Elapsed.TotalSeconds:f1} s");
    }

    private static long RunOne(byte[] input, string name)
    {
        try
        {
            return GpuCommandFuzz.Run(input);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{name} failed; add it to the corpus: {Convert.ToBase64String(input)}", e);
        }
    }

    private static byte[] Mutate(byte[][] seeds, Random random)
    {
        var bytes = new List<byte>(seeds[random.Next(seeds.Length)]);
        for (var edits = random.Next(1, 12); edits > 0; edits--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(5))
            {
                case 0:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 1 when at < bytes.Count:
                    bytes.RemoveAt(at);
                    break;
                case 2 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(200, 230);
                    break;
                case 3:
                    var other = seeds[random.Next(seeds.Length)];
                    var from = random.Next(other.Length);
                    bytes.InsertRange(at, other[from..Math.Min(other.Length, from + random.Next(1, 80))]);
                    break;
                default:
                    if (at < bytes.Count)
                        bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
            }
        }

        return [.. bytes.Take(4000)];
    }
}
