// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Input;

namespace GuestSurfaces.Link.Wire;

// Bodies as they lie in a packet, little-endian, without what may follow them (texts, rectangles). Every size is a multiple of 8.

/// <summary>In front of every message.</summary>
/// <param name="Opcode">What it says.</param>
/// <param name="SizeBytes">With this head.</param>
/// <param name="Id">Of a surface, a storage or a view; 0 where there is none.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct MessageHead(LinkOpcode Opcode, ushort SizeBytes, uint Id)
{
    public const int Bytes = 8;
}

/// <summary>HELLO; a name follows.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct HelloBody
{
    public const uint GoodMagic = 0x4b4c_5347; // "GSLK"
    public const ushort Version = 1;
    public const uint HasInput = 1;
    public const uint HasMouse = 2;
    public const uint HasTouch = 4;
    public const uint HasTablet = 8;
    public const uint WantsControl = 1;
    public const int CreditShift = 8;

    /// <summary>The devices that features stand for.</summary>
    public static InputKinds KindsOf(uint features) =>
        ((features & HasInput) != 0 ? InputKinds.Keyboard | InputKinds.Pointer : 0) | ((features & HasMouse) != 0 ? InputKinds.Mouse : 0)
        | ((features & HasTouch) != 0 ? InputKinds.Touch : 0) | ((features & HasTablet) != 0 ? InputKinds.Tablet : 0);

    /// <summary>The features that stand for devices.</summary>
    public static uint FeaturesOf(InputKinds kinds) =>
        ((kinds & (InputKinds.Keyboard | InputKinds.Pointer)) != 0 ? HasInput : 0) | ((kinds & InputKinds.Mouse) != 0 ? HasMouse : 0)
        | ((kinds & InputKinds.Touch) != 0 ? HasTouch : 0) | ((kinds & InputKinds.Tablet) != 0 ? HasTablet : 0);

    public uint Magic;
    public ushort OldestVersion;
    public ushort NewestVersion;
    public uint Features;
    public uint Wishes;
}

/// <summary>BYE; a reason follows.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ByeBody
{
    public ByeCode Code;
    public uint Reserved;
}

/// <summary>Why a side leaves.</summary>
internal enum ByeCode : uint
{
    /// <summary>It ends.</summary>
    Leaving,

    /// <summary>No version that both know.</summary>
    Version,

    /// <summary>Too many viewers.</summary>
    Full,

    /// <summary>The peer broke a rule.</summary>
    Rule,

    /// <summary>The peer kept a storage for too long.</summary>
    Slow,
}

/// <summary>STORAGE_ADD, with a descriptor for each plane.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct StorageAddBody
{
    public const byte Dmabuf = 1;
    public const byte Memory = 2;

    public byte Kind;
    public byte Planes;
    public ushort Reserved0;
    public uint Reserved1;
}

/// <summary>VIEW_ADD; four <see cref="ViewPlane"/> follow, whatever the count says.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ViewAddBody
{
    public uint Storage;
    public uint Width;
    public uint Height;
    public uint Fourcc;
    public ulong Modifier;
    public uint Planes;
    public uint Reserved;
}

/// <summary>One plane of a view.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ViewPlane
{
    public uint StoragePlane;
    public uint OffsetBytes;
    public uint StrideBytes;
    public uint Reserved;
}

/// <summary>SURFACE; a title follows.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SurfaceBody
{
    public const byte Output = 1;
    public const uint NoParent = uint.MaxValue;

    public byte Role;
    public byte Reserved0;
    public ushort Reserved1;
    public uint Parent;
    public int X;
    public int Y;
}

/// <summary>A rectangle in buffer pixels.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct WireRectangle
{
    public int X;
    public int Y;
    public int Width;
    public int Height;
}

/// <summary>FRAME; the damage's rectangles follow, and a fence may come with it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FrameBody
{
    public const uint BottomUp = 1;
    public const uint HasFence = 2;
    public const uint Awaited = 4;

    public uint View;
    public uint Flags;
    public WireRectangle Crop;
    public ulong Serial;
    public ulong PoppedNs;
    public ulong TargetNs;
    public uint DamageRects;
    public uint Reserved;
}

/// <summary>CURSOR.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CursorBody
{
    public uint View;
    public uint Reserved;
    public int HotX;
    public int HotY;
    public int X;
    public int Y;
}

/// <summary>CURSOR_AT.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CursorAtBody
{
    public int X;
    public int Y;
}

/// <summary>REPORT of either side; a reason and a remedy follow, and a viewer's word on what the compositor makes of it and how they synchronise.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ReportBody
{
    public uint Rung;
    public uint Reserved;
}

/// <summary>CONTROL.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ControlBody
{
    public uint IsInCharge;
    public uint Reserved;
}

/// <summary>LATCHED.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LatchedBody
{
    public ulong Serial;
    public ulong CommittedNs;
    public ulong LatchedNs;
}

/// <summary>PRESENTED.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PresentedBody
{
    public const uint ZeroCopy = 1;

    public ulong Serial;
    public ulong TimeNs;
    public uint RefreshNs;
    public uint Flags;
}

/// <summary>TALLY: what has happened since the one before.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TallyBody
{
    public ulong ZeroCopyFrames;
    public ulong CopiedBytes;
}

/// <summary>SUPERSEDED.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SupersededBody
{
    public ulong Serial;
}

/// <summary>RELEASED.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ReleasedBody
{
    public uint Locks;
    public uint Reserved;
}

/// <summary>REFUSED; a reason follows.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RefusedBody
{
    public uint Surface;
    public uint Reserved;
}

/// <summary>MODE.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ModeBody
{
    public uint Width;
    public uint Height;
    public uint RefreshMilliHz;
    public uint WidthMm;
    public uint HeightMm;
    public uint Enabled;
}

/// <summary>INPUT; the events follow.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct InputBody
{
    public uint Kind;
    public uint Events;
}

/// <summary>One event of an INPUT, as virtio-input has it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct WireInputEvent
{
    public ushort Type;
    public ushort Code;
    public int Value;
}

/// <summary>REFRESH.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RefreshBody
{
    public uint RefreshMilliHz;
    public uint Reserved;
}
