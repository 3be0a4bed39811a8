// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;

namespace GuestSurfaces.Testing.Fuzzing;

/// <summary>Replays a corpus and then runs mutations of it for a while. GS_FUZZ_SECONDS sets how long, GS_FUZZ_SEED where to begin.</summary>
public static class FuzzRun
{
    /// <summary>A target: throws if something is wrong.</summary>
    public delegate void Target(ReadOnlySpan<byte> input);

    /// <summary>Runs a target.</summary>
    /// <param name="corpusName">Folder under tests/corpus; every file in it is an input.</param>
    /// <param name="maxBytes">The longest input made.</param>
    /// <param name="target">What to run.</param>
    /// <param name="seeds">Inputs that belong to the corpus but are written as code.</param>
    /// <returns>How many inputs ran.</returns>
    /// <exception cref="InvalidOperationException">An input failed; it is beside the corpus's files as crash-*.bin, to be committed with the fix.</exception>
    public static int Run(string corpusName, int maxBytes, Target target, IEnumerable<byte[]>? seeds = null)
    {
        var folder = Repository.Path($"tests/corpus/{corpusName}");
        var files = Directory.GetFiles(folder).Order(StringComparer.Ordinal).ToList();
        List<byte[]> corpus = [.. files.Select(File.ReadAllBytes), .. seeds ?? []];
        for (var i = 0; i < corpus.Count; i++)
            RunOne(folder, corpus[i], target, i < files.Count ? Path.GetFileName(files[i]) : $"seed {i - files.Count}");

        var seconds = Number("GS_FUZZ_SECONDS", 1);
        var mutator = new Mutator(Number("GS_FUZZ_SEED", 1));
        var runs = corpus.Count;
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; runs++)
            RunOne(folder, mutator.Next(corpus, maxBytes), target, null);
        return runs;
    }

    /// <summary>Reads one input of a corpus.</summary>
    public static byte[] Seed(string corpusName, string name) => File.ReadAllBytes(Repository.Path($"tests/corpus/{corpusName}/{name}.bin"));

    private static void RunOne(string folder, byte[] input, Target target, string? name)
    {
        try
        {
            target(input);
        }
        catch (Exception e)
        {
            if (name is null)
            {
                name = $"crash-{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(input))[..12]}.bin";
                File.WriteAllBytes(Path.Combine(folder, name), input);
            }

            throw new InvalidOperationException($"fuzz input {name} in {folder} failed: {e.Message}", e);
        }
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
