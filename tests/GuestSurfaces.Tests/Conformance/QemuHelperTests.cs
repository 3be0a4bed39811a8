// SPDX-License-Identifier: MIT
using GuestSurfaces.Conformance;
using Xunit;

namespace GuestSurfaces.Tests.Conformance;

/// <summary>The suite against the back-end that comes with QEMU: what proves the suite itself.</summary>
public sealed class QemuHelperTests(ITestOutputHelper output) : BackendConformance(output)
{
    private static readonly Expectations s_known = Expectations.Load("qemu-7.2");

    protected override Expectations Known => s_known;

    protected override BackendUnderTest Start() => QemuHelper.Start();

    protected override void RequirePresence() => QemuHelper.Require();
}
