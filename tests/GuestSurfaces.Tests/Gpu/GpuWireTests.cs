// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using GuestSurfaces.Virtio.Gpu;
using Xunit;

namespace GuestSurfaces.Tests.Gpu;

/// <summary>Our structs and numbers beside the kernel's header, by its own compiler.</summary>
public sealed class GpuWireTests
{
    [Fact]
    public void Structs_and_numbers_are_those_of_the_kernels_header()
    {
        var c = new StringBuilder("#include <stddef.h>\n#include <linux/virtio_gpu.h>\n");
        Struct<GpuHeader>(c, "virtio_gpu_ctrl_hdr", 0, ("Type", "type"), ("Flags", "flags"), ("FenceId", "fence_id"), ("ContextId", "ctx_id"), ("RingIndex", "ring_idx"));
        Struct<GpuRect>(c, "virtio_gpu_rect", 0, ("X", "x"), ("Y", "y"), ("Width", "width"), ("Height", "height"));
        Struct<MemoryEntry>(c, "virtio_gpu_mem_entry", 0, ("Address", "addr"), ("Length", "length"));
        Body<ResourceCreate2DBody>(c, "virtio_gpu_resource_create_2d", VirtioGpuCommandType.ResourceCreate2D, ("ResourceId", "resource_id"), ("Format", "format"), ("Width", "width"), ("Height", "height"));
        Body<ResourceBody>(c, "virtio_gpu_resource_unref", VirtioGpuCommandType.ResourceUnref, ("ResourceId", "resource_id"));
        Body<ResourceBody>(c, "virtio_gpu_resource_detach_backing", VirtioGpuCommandType.ResourceDetachBacking, ("ResourceId", "resource_id"));
        Body<ResourceBody>(c, "virtio_gpu_resource_assign_uuid", VirtioGpuCommandType.ResourceAssignUuid, ("ResourceId", "resource_id"));
        Body<SetScanoutBody>(c, "virtio_gpu_set_scanout", VirtioGpuCommandType.SetScanout, ("Rect", "r"), ("ScanoutId", "scanout_id"), ("ResourceId", "resource_id"));
        Body<ResourceFlushBody>(c, "virtio_gpu_resource_flush", VirtioGpuCommandType.ResourceFlush, ("Rect", "r"), ("ResourceId", "resource_id"));
        Body<TransferToHost2DBody>(c, "virtio_gpu_transfer_to_host_2d", VirtioGpuCommandType.TransferToHost2D, ("Rect", "r"), ("Offset", "offset"), ("ResourceId", "resource_id"));
        Body<AttachBackingBody>(c, "virtio_gpu_resource_attach_backing", VirtioGpuCommandType.ResourceAttachBacking, ("ResourceId", "resource_id"), ("EntryCount", "nr_entries"));
        Body<GetEdidBody>(c, "virtio_gpu_cmd_get_edid", VirtioGpuCommandType.GetEdid, ("Scanout", "scanout"));
        Body<ResourceCreateBlobBody>(c, "virtio_gpu_resource_create_blob", VirtioGpuCommandType.ResourceCreateBlob,
            ("ResourceId", "resource_id"), ("BlobMemory", "blob_mem"), ("BlobFlags", "blob_flags"), ("EntryCount", "nr_entries"), ("BlobId", "blob_id"), ("Size", "size"));
        Body<SetScanoutBlobBody>(c, "virtio_gpu_set_scanout_blob", VirtioGpuCommandType.SetScanoutBlob,
            ("Rect", "r"), ("ScanoutId", "scanout_id"), ("ResourceId", "resource_id"), ("Width", "width"), ("Height", "height"), ("Format", "format"), ("Stride0", "strides"), ("Offset0", "offsets"));
        Body<CursorBody>(c, "virtio_gpu_update_cursor", VirtioGpuCommandType.UpdateCursor,
            ("ScanoutId", "pos.scanout_id"), ("X", "pos.x"), ("Y", "pos.y"), ("ResourceId", "resource_id"), ("HotX", "hot_x"), ("HotY", "hot_y"));
        foreach (var (name, value) in new (string, uint)[]
        {
            ("VIRTIO_GPU_CMD_GET_DISPLAY_INFO", 0x100), ("VIRTIO_GPU_CMD_SET_SCANOUT_BLOB", 0x10d), ("VIRTIO_GPU_CMD_CTX_CREATE", 0x200), ("VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB", 0x209),
            ("VIRTIO_GPU_CMD_UPDATE_CURSOR", 0x300), ("VIRTIO_GPU_CMD_MOVE_CURSOR", 0x301),
            ("VIRTIO_GPU_RESP_OK_NODATA", (uint)VirtioGpuResponse.OkNoData), ("VIRTIO_GPU_RESP_OK_EDID", (uint)VirtioGpuResponse.OkEdid),
            ("VIRTIO_GPU_RESP_OK_RESOURCE_UUID", (uint)VirtioGpuResponse.OkResourceUuid), ("VIRTIO_GPU_RESP_ERR_UNSPEC", (uint)VirtioGpuResponse.Unspecified),
            ("VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY", (uint)VirtioGpuResponse.OutOfMemory), ("VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID", (uint)VirtioGpuResponse.InvalidScanoutId),
            ("VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID", (uint)VirtioGpuResponse.InvalidResourceId), ("VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER", (uint)VirtioGpuResponse.InvalidParameter),
            ("sizeof(struct virtio_gpu_resp_edid)", 1056), ("sizeof(struct virtio_gpu_resp_display_info)", 408), ("sizeof(struct virtio_gpu_config)", 16),
            ("1 << VIRTIO_GPU_F_EDID", (uint)VirtioGpuFeatures.Edid), ("1 << VIRTIO_GPU_F_RESOURCE_UUID", (uint)VirtioGpuFeatures.ResourceUuid),
            ("1 << VIRTIO_GPU_F_RESOURCE_BLOB", (uint)VirtioGpuFeatures.ResourceBlob), ("VIRTIO_GPU_BLOB_MEM_GUEST", 1), ("VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE", 4),
        })
        {
            Check(c, name, value);
        }

        foreach (var format in Enum.GetValues<VirtioGpuFormat>())
            Check(c, $"VIRTIO_GPU_FORMAT_{format.ToString().ToUpperInvariant()}_UNORM", (uint)format);
        Compile(c.ToString());
    }

    private static void Body<T>(StringBuilder c, string name, VirtioGpuCommandType type, params (string Field, string Member)[] fields)
        where T : unmanaged
    {
        Check(c, $"sizeof(struct {name})", (uint)GpuCommand.RequestSize(type));
        Struct<T>(c, name, GpuHeader.Bytes, fields);
    }

    private static void Struct<T>(StringBuilder c, string name, uint offset, params (string Field, string Member)[] fields)
        where T : unmanaged
    {
        Check(c, $"sizeof(struct {name})", offset + (uint)Marshal.SizeOf<T>());
        foreach (var (field, member) in fields)
        {
            Assert.NotNull(typeof(T).GetField(field, BindingFlags.Public | BindingFlags.Instance));
            Check(c, $"offsetof(struct {name}, {member})", offset + (uint)Marshal.OffsetOf<T>(field));
        }
    }

    private static void Check(StringBuilder c, string expression, uint value) => c.Append("_Static_assert((").Append(expression).Append(") == ").Append(value).Append(", \"").Append(expression).Append("\");\n");

    private static void Compile(string source)
    {
        if (!File.Exists("/usr/include/linux/virtio_gpu.h"))
            Assert.Skip("needs the kernel's headers");
        var path = Path.Combine(Path.GetTempPath(), $"gpu-wire-{Environment.ProcessId}.c");
        File.WriteAllText(path, source);
        try
        {
            using var gcc = Process.Start(new ProcessStartInfo("gcc", ["-fsyntax-only", "-std=c11", path]) { RedirectStandardError = true })!;
            var errors = gcc.StandardError.ReadToEnd();
            gcc.WaitForExit();
            Assert.True(gcc.ExitCode == 0, errors);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
