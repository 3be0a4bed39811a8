// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Diagnostics;
using GuestSurfaces.Transports.Udmabuf;

namespace GuestSurfaces.Cli.Doctor;

/// <summary>What was seen of this machine, without any judgement: <see cref="HostSurvey"/> looks, the checks judge, and tests make up machines of their own.</summary>
internal sealed record HostFacts
{
    /// <summary>QEMU in PATH, or that of a command line; null without one.</summary>
    public QemuFacts? Qemu { get; init; }

    /// <summary>crosvm in PATH, or cloud-hypervisor: what each says of itself.</summary>
    public IReadOnlyList<OtherVmm> OtherVmms { get; init; } = [];

    public required KvmFacts Kvm { get; init; }

    public required UdmabufFacts Udmabuf { get; init; }

    /// <summary>Landlock's version; 0 without it, for the reason beside it.</summary>
    public int Landlock { get; init; }

    public Errno WithoutLandlock { get; init; }

    /// <summary>Why there is no seccomp.</summary>
    public Errno WithoutSeccomp { get; init; }

    /// <summary>Null if none answers, for the reason beside it.</summary>
    public CompositorReport? Compositor { get; init; }

    public string CompositorProblem { get; init; } = "";

    /// <summary>Sockets of compositors in this user's run-time folder, by name, whether or not the environment names one of them.</summary>
    public IReadOnlyList<string> WaylandSockets { get; init; } = [];
}

/// <summary>A QEMU that can be run.</summary>
/// <param name="Command">What runs it, wrappers too.</param>
/// <param name="Version">What <c>--version</c> says; null if no number is in it.</param>
/// <param name="Device">The best that it has in front of our GPU.</param>
/// <param name="HasInput">Whether it has vhost-user-input-pci.</param>
/// <param name="HasDBus">Whether <c>-display dbus</c> can be had.</param>
internal sealed record QemuFacts(IReadOnlyList<string> Command, Version? Version, string Device, bool HasInput, bool HasDBus);

/// <summary>Another VMM.</summary>
/// <param name="Name">Its program.</param>
/// <param name="Version">What it says of itself, in one line.</param>
/// <param name="TakesGpu">Whether it takes a GPU over vhost-user.</param>
internal sealed record OtherVmm(string Name, string Version, bool TakesGpu);

/// <summary>What /dev/kvm is good for.</summary>
/// <param name="Opened">Why it can't be opened.</param>
/// <param name="Tried">What ran on it, or was meant to; empty if nothing could be tried.</param>
/// <param name="Failure">Why that didn't come up; empty if it did.</param>
internal sealed record KvmFacts(Errno Opened, string Tried = "", string Failure = "");

/// <summary>What /dev/udmabuf is good for.</summary>
/// <param name="Opened">Why it can't be opened.</param>
/// <param name="GroupMay">Whether its group may.</param>
/// <param name="HasModule">Whether this kernel can load it, or has it; null if that can't be found out.</param>
/// <param name="Sealing">Why no sealed memory can be made.</param>
/// <param name="Exported">Why a page of that became no dma-buf.</param>
/// <param name="Limits">Null if the kernel doesn't show them.</param>
internal sealed record UdmabufFacts(Errno Opened, bool GroupMay, bool? HasModule, Errno Sealing, Errno Exported, UdmabufLimits? Limits);
