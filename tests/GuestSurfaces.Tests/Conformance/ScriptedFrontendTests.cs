// SPDX-License-Identifier: MIT
using GuestSurfaces.Conformance;
using GuestSurfaces.Testing.VhostUser;
using Xunit;

namespace GuestSurfaces.Tests.Conformance;

/// <summary>The front-end itself, against a back-end that isn't ours.</summary>
public sealed class ScriptedFrontendTests(ITestOutputHelper output)
{
    [Fact]
    public void Round_trip_allocates_nothing_in_steady_state()
    {
        QemuHelper.Require();
        using var launcher = BackendLauncher.Start(QemuHelper.Command);
        using var vmm = new ScriptedFrontend(launcher.TakeConnection());
        var guest = vmm.Boot();
        var request = Request.Unref(77);
        var response = new byte[GpuHeader.SizeBytes];
        for (var i = 0; i < 3000; i++)
            guest.SubmitAndWait(request, response);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10_000; i++)
            guest.SubmitAndWait(request, response);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        output.WriteLine($"10000 round trips, {vmm.Calls[0]} interrupts, {allocated} bytes");
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void Connections_leave_no_descriptor_behind()
    {
        QemuHelper.Require();
        Converse();
        var before = OpenDescriptors();
        const int conversations = 5;
        for (var i = 0; i < conversations; i++)
            Converse();

        // One left behind by each would be five more; other tests' own come and go meanwhile.
        Assert.InRange(OpenDescriptors(), 0, before + conversations - 1);

        static void Converse()
        {
            using var backend = QemuHelper.Start();
            using var context = new CaseContext(backend, new FrontendOptions());
            context.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48);
            context.ExpectPicture(0);
        }

        // Sockets, eventfds, pidfds, epoll sets and memfds: what this library opens; other tests may hold files open.
        static int OpenDescriptors() => Directory.GetFiles("/proc/self/fd").Count(f => new FileInfo(f).LinkTarget is { } target
            && (target.Contains("guest-ram", StringComparison.Ordinal) || target.Contains("pidfd", StringComparison.Ordinal) || target.Contains("back-end-output", StringComparison.Ordinal)));
    }

    [Fact]
    public void Program_that_ends_at_once_is_reported_with_what_it_printed()
    {
        using var launcher = BackendLauncher.Start("/bin/sh -c exit_please {socket}");
        var gone = Assert.Throws<BackendGoneException>(() => launcher.TakeConnection());
        Assert.Contains("exit_please", gone.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Silent_back_end_is_reported_after_the_time_out()
    {
        var (ours, theirs) = GuestSurfaces.Interop.UnixSocketHandle.CreatePair(nonBlocking: false);
        using (theirs)
        {
            using var vmm = new ScriptedFrontend(ours, new FrontendOptions { TimeoutMs = 20 });
            Assert.Throws<BackendSilentException>(vmm.Connect);
        }
    }

    [Fact]
    public void Back_end_that_hangs_up_is_reported()
    {
        var (ours, theirs) = GuestSurfaces.Interop.UnixSocketHandle.CreatePair(nonBlocking: false);
        using var vmm = new ScriptedFrontend(ours);
        theirs.Dispose();
        Assert.Throws<BackendGoneException>(vmm.Connect);
    }

    [Fact]
    public void Chain_is_cut_where_the_layout_says()
    {
        Assert.Equal([3, 10, 11], DescriptorLayout.Cut(24, DescriptorLayout.HeaderStraddles.RequestCuts));
        Assert.Equal([2], DescriptorLayout.Cut(2, [3, 10]));
        Assert.Equal([3], DescriptorLayout.Cut(3, [3, 10]));
        Assert.Empty(DescriptorLayout.Cut(0, [3]));
    }
}
