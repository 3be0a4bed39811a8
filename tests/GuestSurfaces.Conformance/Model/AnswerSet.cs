// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>The answers that the specification leaves a device, as a set.</summary>
public readonly record struct AnswerSet(ulong Bits)
{
    /// <summary>A failure in general: not one code is demanded.</summary>
    public static AnswerSet BadParameter { get; } = Of(GpuResponse.InvalidParameter, GpuResponse.Unspec);

    public static AnswerSet Ok { get; } = Of(GpuResponse.OkNoData);

    public bool IsEmpty => Bits == 0;

    public static AnswerSet operator |(AnswerSet a, AnswerSet b) => new(a.Bits | b.Bits);

    public static AnswerSet operator &(AnswerSet a, AnswerSet b) => new(a.Bits & b.Bits);

    public static AnswerSet Of(params ReadOnlySpan<GpuResponse> answers)
    {
        ulong bits = 0;
        foreach (var answer in answers)
            bits |= Bit(answer);
        return new AnswerSet(bits);
    }

    public bool Contains(GpuResponse answer) => (Bits & Bit(answer)) != 0;

    public override string ToString()
    {
        var self = this;
        return string.Join(" or ", Enum.GetValues<GpuResponse>().Where(r => self.Contains(r)));
    }

    // 0x1100.. and 0x1200.. side by side; anything else is in no set.
    private static ulong Bit(GpuResponse answer) => (uint)answer switch
    {
        >= 0x1100 and < 0x1110 and var n => 1UL << (int)(n - 0x1100),
        >= 0x1200 and < 0x1210 and var n => 1UL << (int)(n - 0x1200 + 16),
        _ => 0,
    };
}
