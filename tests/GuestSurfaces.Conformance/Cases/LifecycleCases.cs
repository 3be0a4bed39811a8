// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>Stopping, starting, and changes in between.</summary>
public static class LifecycleCases
{
    private const string Rings = "vhost-user: Ring states";
    private const string Memory = "vhost-user: ADD_MEM_REG, REM_MEM_REG, SET_MEM_TABLE";

    public static IEnumerable<ConformanceCase> All { get; } =
    [
        new("lifecycle/stop-and-start", Rings + "; a guest reboots", static c =>
        {
            for (var i = 0; i < 3; i++)
            {
                // Linux gives its ids again after a reboot: the device must have forgotten them or accept a stop without reset.
                var id = (uint)i + 1;
                c.ShowResource(id, 0, GpuFormat.B8G8R8X8, 64, 48, i);
                c.ExpectPicture(0);
                c.Ok(Request.Unref(id));
                c.Vmm.Stop();
                c.Guest.Reset();
                c.Vmm.Start();
            }

            c.ExpectAlive();
        }),
        new("lifecycle/ring-base-is-where-it-stopped", "vhost-user: GET_VRING_BASE", static c =>
        {
            for (var i = 0; i < 5; i++)
                c.ExpectAlive();
            var control = c.Vmm.Control;
            c.Vmm.SetVringEnable(0, false);
            var index = c.Vmm.GetVringBase(0);
            c.Check(index == control.AvailIndex, $"the ring stopped at {index}, {control.AvailIndex} chains were handed out");
        }),
        new("lifecycle/goes-on-after-stop", Rings + "; a VMM pauses and goes on with the same rings", static c =>
        {
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48);
            for (var i = 0; i < 3; i++)
            {
                c.Vmm.Stop();
                c.Vmm.Start();
                c.ExpectAlive();
            }
        }),
        new("lifecycle/disabled-ring-is-not-processed", Rings, static c =>
        {
            c.ExpectAlive();
            c.Vmm.SetVringEnable(0, false);
            var request = Request.GetDisplayInfo();
            var waiting = c.Guest.Submit(request, GpuCommands.DisplayInfoBytes);
            c.Guest.TryWait(waiting, 100);
            c.Vmm.SetVringEnable(0, true);
            c.Vmm.Control.Notify(always: true);
            c.Guest.Wait(waiting);
            c.Compare(request, GpuCommands.ReadHeader(c.Guest.Response(waiting)), c.Model.Judge(request));
        }),
        new("lifecycle/call-eventfd-swapped", "vhost-user: SET_VRING_CALL; QEMU does it whenever the guest masks an interrupt", static c =>
        {
            for (var i = 0; i < 20; i++)
            {
                c.Vmm.SwapCall(c.Guest.Frontend.Control);
                c.ExpectAlive();
            }
        }),
        new("lifecycle/call-removed-and-given-back", "vhost-user: SET_VRING_CALL without a descriptor", static c =>
        {
            c.ExpectAlive();
            c.Vmm.SetVringCall(0, null);
            var waiting = c.Guest.Submit(Request.GetDisplayInfo(), GpuCommands.DisplayInfoBytes);
            c.Guest.TryWait(waiting, 50);
            c.Vmm.SetVringCall(0, c.Vmm.Control.Call);
            c.Guest.TryWait(waiting, 500);
            c.ExpectAlive();
        }),
        new("lifecycle/kick-before-anything-is-there", Rings, static c =>
        {
            c.ExpectAlive();
            for (var i = 0; i < 1000; i++)
                c.Vmm.Control.Notify(always: true);
            c.ExpectAlive();
        }),
        new("lifecycle/memory-added-while-running", Memory, static c =>
        {
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48);
            c.Vmm.SetMemTable();
            c.Ok(Request.Transfer(1, GpuRect.Of(64, 48)));
            c.Ok(Request.Flush(1, GpuRect.Of(64, 48)));
            c.ExpectPicture(0);
        }) { Frontend = new() { Announcement = MemoryAnnouncement.Table } },
        new("lifecycle/memory-of-shown-resource-removed", Memory + ": its pixels are lost, nothing else", static c =>
        {
            var second = c.Guest.Memory.Regions[1];
            c.Ok(Request.Create2D(1, GpuFormat.B8G8R8X8, 64, 48));
            c.Ok(Request.Attach(1, new GpuMemoryEntry(second.GuestAddress + 4096, 64 * 48 * 4)));
            c.Ok(Request.SetScanout(0, 1, GpuRect.Of(64, 48)));
            c.Ok(Request.Transfer(1, GpuRect.Of(64, 48)));
            c.Ok(Request.Flush(1, GpuRect.Of(64, 48)));
            c.Vmm.RemMemReg(second);
            c.Guest.Send(Request.Transfer(1, GpuRect.Of(64, 48))); // any answer; no crash
            c.Ok(Request.Flush(1, GpuRect.Of(64, 48)));
            c.Vmm.AddMemReg(second);
            c.ExpectAlive();
        })
        {
            Frontend = new() { Memory = GuestMemoryOptions.WithHole },
            RequiresProtocol = ProtocolFeatures.ConfigureMemSlots,
            HostileToPeers = "a device that keeps pointers into removed memory is killed by SIGSEGV",
        },
        new("lifecycle/guest-ram-cut-under-a-resource", Memory + ": RAM that isn't sealed may shrink", static c =>
        {
            c.Ok(Request.Create2D(1, GpuFormat.B8G8R8X8, 64, 48));
            var end = c.Guest.Memory.Regions[0].SizeBytes;
            c.Ok(Request.Attach(1, new GpuMemoryEntry(end - (64 * 48 * 4), 64 * 48 * 4)));
            c.Ok(Request.SetScanout(0, 1, GpuRect.Of(64, 48)));
            c.Ok(Request.Transfer(1, GpuRect.Of(64, 48)));
            c.Vmm.Memory.File.Truncate(end / 2);
            c.Guest.Send(Request.Transfer(1, GpuRect.Of(64, 48))); // any answer; no SIGBUS
            c.ExpectAlive();
        })
        {
            Frontend = new() { Memory = new() { Sealed = false } },
            HostileToPeers = "a device that maps RAM without seals is killed by SIGBUS",
        },
        new("lifecycle/vmm-vanishes-mid-frame", "vhost-user: a back-end outlives its front-end", static c =>
        {
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 640, 480);
            for (var i = 0; i < 16; i++)
                c.Guest.Submit(Request.Fenced(Request.Flush(1, GpuRect.Of(640, 480)), 5), GpuHeader.SizeBytes);
            c.Disconnect();
            c.ExpectRecovery();
        }),
        new("lifecycle/vmm-vanishes-mid-message", "vhost-user: a back-end outlives its front-end", static c =>
        {
            c.ExpectAlive();
            c.Vmm.SendRaw([5, 0, 0, 0, 1]);
            c.Disconnect();
            c.ExpectRecovery();
        }),
        new("lifecycle/reset-device", "vhost-user: RESET_DEVICE", static c =>
        {
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48);
            c.Vmm.ResetDevice();
            c.ExpectRecovery();
        }) { RequiresProtocol = ProtocolFeatures.ResetDevice },
        new("lifecycle/status", "vhost-user: SET_STATUS, GET_STATUS", static c =>
        {
            c.ExpectAlive();
            c.Check(c.Vmm.GetStatus() == 0x0f, $"the status is 0x{c.Vmm.GetStatus():x}, 0xf was set");
        }) { RequiresProtocol = ProtocolFeatures.Status },
        new("lifecycle/reset-owner", "vhost-user: RESET_OWNER is deprecated: ignored, or the rings stop", static c =>
        {
            c.ExpectAlive();
            c.Vmm.TryTell(FrontendRequest.ResetOwner, [], []);
            c.ExpectRecovery();
        }),
    ];
}
