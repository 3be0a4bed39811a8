// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Sessions;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>What kind of GPU a guest sees.</summary>
public sealed record VirtioGpuOptions
{
    /// <summary>What a scanout shows to the guest until a window says otherwise: QEMU's default size.</summary>
    public static readonly OutputMode DefaultMode = new(new BufferSize(1280, 800), 60_000, 0, 0, Enabled: true);

    /// <summary>How many scanouts; 1 to 16.</summary>
    public int ScanoutCount { get; init; } = 1;

    /// <summary>The first scanouts' modes; those without one start disconnected. A width of a multiple of 64 makes a stride that every GPU imports.</summary>
    public IReadOnlyList<OutputMode> InitialModes { get; init; } = [DefaultMode];

    /// <summary>Offers EDIDs: refresh rates and physical sizes reach the guest by them alone.</summary>
    public bool OfferEdid { get; init; } = true;

    /// <summary>Offers guest blobs: framebuffers in guest RAM, fenced flushes. QEMU up to 11.1 doesn't pass the bit on.</summary>
    public bool OfferBlob { get; init; } = true;

    /// <summary>Offers names for resources.</summary>
    public bool OfferUuid { get; init; }

    /// <summary>
    /// Shows the pages of 2D resources as they are, instead of what TRANSFER_TO_HOST_2D copied of them. Nothing protects them: the guest isn't told when they
    /// are read (Linux sends flushes of 2D resources without a fence) and may draw meanwhile, so pictures may tear.
    /// </summary>
    public bool Alias2D { get; init; }

    /// <summary>Shows the guest's pages even while it draws into what is shown, instead of copies (<see cref="IGuestTransport.CopiesWanted"/>). Pictures may tear.</summary>
    public bool KeepsPages { get; init; }

    /// <summary>Makes buffers of guest pages; the default copies.</summary>
    public IGuestBufferExporter Exporter { get; init; } = NoBufferExporter.Instance;
}
