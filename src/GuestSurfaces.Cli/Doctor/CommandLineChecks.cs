// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli.Qemu;
using GuestSurfaces.Core.Input;

namespace GuestSurfaces.Cli.Doctor;

/// <summary>What a QEMU command line makes of this machine, if <c>run</c> completes and starts it. Nothing is started.</summary>
internal static class CommandLineChecks
{
    private const string Memory = "guest RAM";

    /// <summary>Judges it.</summary>
    /// <param name="command">The VM's own command.</param>
    /// <param name="facts">The machine.</param>
    public static IEnumerable<Finding> Judge(IReadOnlyList<string> command, HostFacts facts)
    {
        var line = new QemuCommandLine(command);
        if (WhyRefused(line) is { } refused)
        {
            yield return refused;
            yield break;
        }

        yield return JudgeMemory(line);
        if (KernelChecks.IsUsable(facts.Kvm))
        {
            yield return line.UsesKvm
                ? Good("vm-accelerator", "accelerator", "KVM")
                : new Finding("vm-accelerator", Area.Guest, Severity.Slower, "accelerator", "the command line doesn't ask for KVM, so QEMU emulates the processor") { Fix = ["add: -accel kvm -cpu host"] };
        }
    }

    private static Finding? WhyRefused(QemuCommandLine line)
    {
        try
        {
            _ = line.Complete("gpu.sock", 1, new QemuDevice(QemuDevice.Gpu, ""), new Dictionary<InputKind, string>());
            return null;
        }
        catch (UserErrorException e)
        {
            return new Finding("vm-command", Area.Guest, Severity.Broken, "command line", e.Message) { Fix = [e.Remedy], AgainstDirect = "run doesn't take this command line" };
        }
    }

    private static Finding JudgeMemory(QemuCommandLine line)
    {
        const string id = "vm-memory", against = "guest RAM isn't sealed against shrinking";
        if (line.MemoryBackend is not { } backend)
            return Good(id, Memory, "run adds a memfd, shared and sealed");
        var (kind, parts) = (backend.Split(',')[0], backend.Split(','));
        if (kind != "memory-backend-memfd")
        {
            var name = parts.FirstOrDefault(static p => p.StartsWith("id=", StringComparison.Ordinal)) ?? "id=mem";
            var size = parts.FirstOrDefault(static p => p.StartsWith("size=", StringComparison.Ordinal)) ?? "size=…";
            return new Finding(id, Area.Guest, Severity.Slower, Memory, $"{kind} is shared, but can't be sealed against shrinking: its pages become no dma-bufs, and frames are copied")
            {
                Fix = [$"instead of it: -object memory-backend-memfd,{name},{size},share=on"],
                AgainstDirect = against,
            };
        }

        return parts.Contains("seal=off")
            ? new Finding(id, Area.Guest, Severity.Slower, Memory, "seal=off leaves it unsealed: its pages become no dma-bufs, and frames are copied")
            {
                Fix = [$"-object {string.Join(',', parts.Where(static p => p != "seal=off"))}"],
                AgainstDirect = against,
            }
            : Good(id, Memory, $"{kind}, shared and sealed");
    }

    private static Finding Good(string id, string subject, string observation) => new(id, Area.Guest, Severity.Good, subject, observation);
}
