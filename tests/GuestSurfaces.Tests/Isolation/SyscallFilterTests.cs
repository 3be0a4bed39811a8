// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli.Isolation;
using GuestSurfaces.Interop;
using Xunit;

namespace GuestSurfaces.Tests.Isolation;

/// <summary>The assembler of filters, and what the device's filter answers to calls of both processors.</summary>
public sealed class SyscallFilterTests
{
    private const uint I386 = 0x40000003;
    private const uint X32Bit = 0x40000000;
    private const int Pid = 4711;

    public static TheoryData<string> Architectures => ["x64", "arm64"];

    [Fact]
    public void Blocks_run_when_their_test_holds_and_are_jumped_over_when_not()
    {
        var program = new BpfProgram();
        program.Load(SeccompFilter.NumberAt);
        program.IfEqual(1, () => program.Return(10));
        program.IfGreater(100, () =>
        {
            program.IfNotEqual(200, () => program.Return(11));
            program.Return(12);
        });
        program.Load(SeccompFilter.ArgumentAt(1));
        program.IfAnyBit(6, () => program.Return(13));
        program.IfNoBit(8, () => program.Return(14));
        program.Return(15);
        Assert.Equal(10u, BpfMachine.Run(program, 0, 1));
        Assert.Equal(11u, BpfMachine.Run(program, 0, 101));
        Assert.Equal(12u, BpfMachine.Run(program, 0, 200));
        Assert.Equal(14u, BpfMachine.Run(program, 0, 100));
        Assert.Equal(13u, BpfMachine.Run(program, 0, 2, 0, 4));
        Assert.Equal(15u, BpfMachine.Run(program, 0, 2, 6, 8));
    }

    [Fact]
    public void A_block_beyond_a_jumps_reach_is_not_assembled()
    {
        var program = new BpfProgram();
        Assert.Throws<OverflowException>(() => program.IfEqual(1, () =>
        {
            for (var i = 0; i < 256; i++)
                program.Return(0);
        }));
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void What_a_device_never_needs_fails_and_the_rest_is_made(string name)
    {
        var architecture = Architecture(name);
        var filter = RefusedSyscalls.CreateFilter(architecture, Pid);
        string[] inPart = ["ioctl", "kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "clone", "clone3", "seccomp"];
        var refused = 0;
        foreach (var call in SyscallArchitecture.Names.Except(inPart))
        {
            if (architecture.NumberOf(call) is not { } number)
                continue;
            Assert.True(SeccompFilter.Fail(Errno.EPERM) == Answer(filter, architecture, number), call);
            refused++;
        }

        Assert.InRange(refused, 80, 130);
        var known = SyscallArchitecture.Names.Select(architecture.NumberOf).ToHashSet();
        for (uint number = 0; number <= SyscallArchitecture.NewestNumber; number++)
        {
            if (!known.Contains(number))
                Assert.Equal(SeccompFilter.Allow, Answer(filter, architecture, number));
        }
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Calls_that_are_newer_than_the_list_do_not_exist(string name)
    {
        var architecture = Architecture(name);
        var filter = RefusedSyscalls.CreateFilter(architecture, Pid);
        foreach (var number in (uint[])[SyscallArchitecture.NewestNumber + 1, 500, X32Bit, X32Bit | 59, uint.MaxValue])
            Assert.Equal(SeccompFilter.Fail(Errno.ENOSYS), Answer(filter, architecture, number));
        Assert.Equal(SeccompFilter.Fail(Errno.ENOSYS), Answer(filter, architecture, architecture.NumberOf("clone3")!.Value));
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Calls_of_another_architecture_end_the_process(string name)
    {
        var architecture = Architecture(name);
        var filter = RefusedSyscalls.CreateFilter(architecture, Pid);
        var other = architecture == SyscallArchitecture.X64 ? SyscallArchitecture.Arm64 : SyscallArchitecture.X64;
        Assert.Equal(SeccompFilter.Kill, Answer(filter, other, 0));
        Assert.Equal(SeccompFilter.Kill, BpfMachine.Run(filter, I386, 11));
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Threads_signals_to_itself_and_devices_requests_are_its_own_affair(string name)
    {
        var architecture = Architecture(name);
        var filter = RefusedSyscalls.CreateFilter(architecture, Pid);
        const ulong pthread = 0x3d0f00;
        const ulong newUser = 0x10000000;
        const ulong sigchld = 17;
        var refuse = SeccompFilter.Fail(Errno.EPERM);
        Assert.Equal(SeccompFilter.Allow, Call("clone", pthread));
        Assert.Equal(refuse, Call("clone", pthread | newUser));
        Assert.Equal(refuse, Call("clone", sigchld));
        Assert.Equal(refuse, Call("clone", newUser | sigchld));
        foreach (var signal in (string[])["kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"])
        {
            Assert.Equal(SeccompFilter.Allow, Call(signal, Pid));
            Assert.Equal(refuse, Call(signal, 1));
            Assert.Equal(refuse, Call(signal, unchecked((ulong)-1)));
            Assert.Equal(refuse, Call(signal, 0));
        }

        Assert.Equal(refuse, Call("ioctl", 0, 0x5412));
        Assert.Equal(refuse, Call("ioctl", 0, 0xffff_ffff_0000_5412)); // the kernel looks at the lower half alone
        Assert.Equal(refuse, Call("ioctl", 0, 0x541c));
        Assert.Equal(SeccompFilter.Allow, Call("ioctl", 0x5412, 0x40187542)); // UDMABUF_CREATE
        uint Call(string call, params ulong[] arguments) => Answer(filter, architecture, architecture.NumberOf(call)!.Value, arguments);
    }

    private static SyscallArchitecture Architecture(string name) => name == "x64" ? SyscallArchitecture.X64 : SyscallArchitecture.Arm64;

    private static uint Answer(BpfProgram filter, SyscallArchitecture architecture, uint number, params ulong[] arguments) =>
        BpfMachine.Run(filter, architecture.AuditNumber, number, arguments);
}
