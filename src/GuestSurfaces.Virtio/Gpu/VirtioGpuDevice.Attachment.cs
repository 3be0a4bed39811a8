// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;

namespace GuestSurfaces.Virtio.Gpu;

public sealed partial class VirtioGpuDevice
{
    /// <summary>What a device has once it knows its carrier: the guest's memory and the loop's timers.</summary>
    private sealed class Attachment
    {
        public Attachment(VirtioGpuDevice device, IVirtioHost host)
        {
            Host = host;
            PixelBudget = new HostPixelBudget(device._limits);
            Resources = new GpuResources(device._limits);
            Scanouts = new ScanoutSet(device._display, device._statistics, PixelBudget, device._options, host);
            Cursors = new CursorPlane(device._options.ScanoutCount, device._limits, device._display, PixelBudget, device._statistics);
            Processor = new GpuCommandProcessor(device._limits, device._statistics, host.Memory, Resources, Scanouts, device._monitors, Cursors, PixelBudget);
            ControlTimer = host.Timers.Create(device.ResumeControl);
            CursorTimer = host.Timers.Create(device.PumpCursor);
            ModeTimer = host.Timers.Create(device.ApplyModes);
        }

        public IVirtioHost Host { get; }

        public IClock Clock => Host.Timers.Clock;

        public HostPixelBudget PixelBudget { get; }

        public GpuResources Resources { get; }

        public ScanoutSet Scanouts { get; }

        public CursorPlane Cursors { get; }

        public GpuCommandProcessor Processor { get; }

        /// <summary>Goes on with the control queue: after a pause for others on the loop, or for a flood.</summary>
        public LoopTimer ControlTimer { get; }

        /// <summary>Goes on with the cursor queue.</summary>
        public LoopTimer CursorTimer { get; }

        /// <summary>Lets the guest see new modes.</summary>
        public LoopTimer ModeTimer { get; }
    }
}
