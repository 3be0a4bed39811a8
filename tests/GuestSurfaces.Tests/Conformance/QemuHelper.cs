// SPDX-License-Identifier: MIT
using GuestSurfaces.Conformance;
using Xunit;

namespace GuestSurfaces.Tests.Conformance;

/// <summary>QEMU's own vhost-user-gpu back-end, where the machine has it.</summary>
internal static class QemuHelper
{
    public const string Path = "/usr/lib/qemu/vhost-user-gpu";

    public const string Command = Path + " --fd={fd}";

    public static BackendUnderTest Start() => new SpawnedBackend(Command);

    /// <summary>Skips the test without it; in CI it must be there.</summary>
    public static void Require()
    {
        if (File.Exists(Path))
            return;
        const string reason = $"{Path} isn't installed (Debian package qemu-system-gui or qemu-system-common)";
        if (Environment.GetEnvironmentVariable("CI") == "true")
            Assert.Fail(reason);
        Assert.Skip(reason);
    }
}
