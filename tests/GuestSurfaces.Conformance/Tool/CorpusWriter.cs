// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>Writes the bytes of requests and messages into files, as seeds for fuzzers.</summary>
public static class CorpusWriter
{
    /// <summary>Seeds are small; the few long requests differ from short ones only in their length.</summary>
    private const int LongestSeed = 2048;

    /// <summary>Writes <c>virtio-gpu/*.bin</c> and <c>vhost-user/*.bin</c>.</summary>
    /// <returns>How many files and bytes.</returns>
    public static (int Files, long Bytes) Write(string directory)
    {
        var (files, bytes) = (0, 0L);
        var seen = new HashSet<string>();
        foreach (var command in NegativeCommandCases.Commands)
            Put("virtio-gpu", command.Name, command.Bytes);
        foreach (var (name, request) in GoodCommands())
            Put("virtio-gpu", name, request);
        foreach (var message in NegativeMessageCases.Messages)
            Put("vhost-user", message.Name, message.Bytes);
        return (files, bytes);

        void Put(string folder, string name, byte[] content)
        {
            if (content.Length > LongestSeed || !seen.Add(folder + Convert.ToHexString(content)))
                return; // too long, or told apart only by the files that came with it
            Directory.CreateDirectory(Path.Combine(directory, folder));
            File.WriteAllBytes(Path.Combine(directory, folder, name + ".bin"), content);
            files++;
            bytes += content.Length;
        }
    }

    private static IEnumerable<(string Name, byte[] Request)> GoodCommands()
    {
        var whole = GpuRect.Of(64, 64);
        yield return ("good-create", Request.Create2D(1, GpuFormat.B8G8R8X8, 64, 64));
        yield return ("good-attach", Request.Attach(1, new(CaseContext.Playground, 8192), new(CaseContext.Playground + 16384, 8192)));
        yield return ("good-transfer", Request.Transfer(1, whole));
        yield return ("good-scanout", Request.SetScanout(0, 1, whole));
        yield return ("good-flush-fenced", Request.Fenced(Request.Flush(1, whole), 7));
        yield return ("good-blob", Request.CreateBlob(3, GpuBlobMemory.Guest, 2, 16384, new GpuMemoryEntry(CaseContext.Playground, 16384)));
        yield return ("good-scanout-blob", Request.SetScanoutBlob(0, 3, whole, 64, 64, GpuFormat.B8G8R8X8, 256));
        yield return ("good-cursor-update", Request.UpdateCursor(0, 10, 10, 1, 3, 3));
    }
}
