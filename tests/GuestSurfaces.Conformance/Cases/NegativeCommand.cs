// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>
/// One request that must be refused, as bytes that are always the same, so that they also serve as seeds for fuzzers. Before it,
/// the guest has made these: resource 1, 64x64, with backing, on scanout 0; resource 2, 64x64, without backing; and with blobs
/// negotiated resource 3, a guest blob of 16 KiB. Guest RAM is 64 MiB at 0.
/// </summary>
/// <param name="Name">Without the group.</param>
/// <param name="Bytes">The request.</param>
/// <param name="Acceptable">The answers allowed.</param>
public sealed record NegativeCommand(string Name, byte[] Bytes, AnswerSet Acceptable)
{
    public VirtioFeatures Requires { get; init; }

    public string? HostileToPeers { get; init; }
}
