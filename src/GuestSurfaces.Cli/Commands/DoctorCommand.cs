// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli.Doctor;
using GuestSurfaces.Cli.Status;

namespace GuestSurfaces.Cli.Commands;

/// <summary><c>guest-surfaces doctor</c>: what will work here, what will be zero-copy, and why not.</summary>
internal static class DoctorCommand
{
    private const int NotFast = 1;

    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "Print the findings as JSON." };
        var vm = new Option<string?>("--vm") { Description = "Also ask this running guest how its frames get to the screen.", HelpName = "NAME" };
        vm.CompletionSources.Add(static _ => CompletionCommand.GuestNames());
        var qemu = new Argument<string[]>("command") { Description = "A QEMU command line, after --: it is looked at, not started.", Arity = ArgumentArity.ZeroOrMore };
        var command = new DetailedCommand(
            "doctor",
            "Say what works on this machine, how fast, and what to do about the rest.",
            """
            Looks at the machine, its VMMs and its compositor, and says whether guests' frames are shown without a copy, why not, and what to do about it.
            What can be tried is tried: a page becomes a dma-buf, and something is booted on KVM, which takes a second (fifteen if it hangs).

              good     as it should be
              lesser   something is missing that pictures get along without
              slower   works, but frames or guests take longer
              broken   doesn't work

            Exit code 0 if nothing is slower or broken, 1 if something is, 2 wrong use. The JSON has "schema" (1), "works", "direct" (yes, partly, no), "because", and
            "findings", each with "id", "area" (vmm, kernel, compositor, guest), "severity", "subject", "observation" and "fix", an array of commands. Ids don't change:
            qemu, qemu-input, qemu-dbus, crosvm, cloud-hypervisor, kvm, udmabuf, udmabuf-limits, isolation, compositor, linux-dmabuf, viewporter, …

              guest-surfaces doctor
              guest-surfaces doctor -- qemu-system-x86_64 -accel kvm -m 4G disk.qcow2
              guest-surfaces doctor --json | jq -r '.findings[] | select(.severity == "slower").fix[]'
            """)
        {
            json, vm, qemu,
        };
        command.SetAction(result => Run(result.GetValue(json), result.GetValue(vm), result.GetValue(qemu) ?? [], result.InvocationConfiguration.Output));
        return command;
    }

    private static int Run(bool json, string? vm, string[] command, TextWriter output)
    {
        var guests = vm is null ? [] : Find(vm);
        var diagnosis = Diagnosis.Of(HostSurvey.Take(command), command);
        if (guests.Count > 0)
            diagnosis = diagnosis with { Findings = [.. diagnosis.Findings, .. guests.Select(GuestChecks.Judge)] };
        if (json)
            output.WriteLine(diagnosis.ToJson());
        else
            DiagnosisView.Print(output, diagnosis);
        return diagnosis.IsFast ? 0 : NotFast;
    }

    private static List<StatusSnapshot> Find(string name)
    {
        var guests = (StatusFolder.OfSession?.Ask(out _) ?? []).Where(guest => guest.Name == name).ToList();
        return guests.Count > 0 ? guests : throw new UserErrorException($"no guest named {name} runs in this session", "guest-surfaces status lists them");
    }
}
