// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli;
using GuestSurfaces.Cli.Commands;

var root = new RootCommand(
    """
    guest-surfaces shows a virtual machine's screen as native windows of a Wayland desktop.

    Start with `guest-surfaces doctor`, then `guest-surfaces run -- qemu-system-x86_64 …`.
    Exit codes: 0 done, 1 failed, 2 wrong use, or the VMM's own for `run`.
    """)
{
    RunCommand.Create(),
    AttachCommand.Create(),
    DeviceCommand.Create(),
    FakeGuestCommand.Create(),
    BenchCommand.Create(),
    DoctorCommand.Create(),
};

var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors)
        Console.Error.WriteLine($"guest-surfaces: {error.Message}");
    Console.Error.WriteLine("try: guest-surfaces --help");
    return 2;
}

try
{
    return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (UserErrorException e)
{
    Console.Error.WriteLine($"guest-surfaces: {e.Message}");
    Console.Error.WriteLine($"  {e.Remedy}");
    return 2;
}
catch (IOException e)
{
    // A system call that set-up depends on: the message says which, on what, and why.
    Console.Error.WriteLine($"guest-surfaces: {e.Message}");
    return 1;
}
