// SPDX-License-Identifier: MIT
using GuestSurfaces.Conformance;
using Xunit;

namespace GuestSurfaces.Tests.Conformance;

/// <summary>The suite against our own back-end, with its pictures, and random commands beside QEMU's.</summary>
public sealed class OurBackendTests(ITestOutputHelper output) : BackendConformance(output)
{
    protected override IReadOnlyList<Func<BackendUnderTest>> Peers => [QemuHelper.Start];

    protected override BackendUnderTest Start() => new InProcessBackend();

    protected override void RequirePresence() => QemuHelper.Require();
}
