// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Transports.VhostUser;

/// <summary>The messages about rings: each names a ring, and is the ring's to judge.</summary>
internal sealed partial class VhostUserSession
{
    private Outcome ActOnRing(FrontendRequest request, in VringState state, Reply reply)
    {
        if (state.Index >= (uint)_rings.Length)
        {
            var why = $"ring {state.Index} of {_rings.Length}";
            return request == FrontendRequest.GetVringBase ? Outcome.Malformed(why) : Outcome.Refuse(why);
        }

        var ring = _rings[state.Index];
        switch (request)
        {
            case FrontendRequest.SetVringNum:
                return ring.SetSize(state.Num);
            case FrontendRequest.SetVringBase:
                return SetRingBase(ring, state.Num);
            case FrontendRequest.SetVringEnable when state.Num <= 1:
                ring.SetEnabled(state.Num == 1);
                return Outcome.Done;
            case FrontendRequest.SetVringEnable:
                return Outcome.Refuse($"a ring can't be enabled {state.Num} times");
            default:
                reply.Write(request, state with { Num = ring.Stop() });
                return Outcome.Answered;
        }
    }

    // A VM that was paused goes on where it was; a driver that starts over starts at 0. So a ring that jumps back there is the only sign of a guest's reset
    // that every VMM gives, and what the last driver left in the device must go.
    private Outcome SetRingBase(VhostUserRing ring, uint next)
    {
        var startsOver = next == 0 && ring.Base != 0 && !AnyRingRuns;
        var outcome = ring.SetBase(next);
        if (startsOver && outcome.Kind == OutcomeKind.Done)
        {
            _device.Reset();
            _device.SetFeatures(Features); // they were set before the rings
        }

        return outcome;
    }

    private Outcome SetRingAddresses(in VringAddr addresses) =>
        addresses.Index < (uint)_rings.Length ? _rings[addresses.Index].SetAddresses(in addresses) : Outcome.Refuse($"ring {addresses.Index} of {_rings.Length}");

    private Outcome SetRingFd(FrontendRequest request, ulong ringAndFlag, MessageFds fds)
    {
        var index = ringAndFlag & Wire.RingIndexMask;
        if ((ringAndFlag & ~(Wire.RingIndexMask | Wire.NoFd)) != 0)
            return Outcome.Refuse($"unknown bits in {ringAndFlag:x}");
        if (index >= (ulong)_rings.Length)
            return Outcome.Refuse($"ring {index} of {_rings.Length}");
        var expected = (ringAndFlag & Wire.NoFd) != 0 ? 0 : 1;
        if (fds.Count != expected)
            return Outcome.Refuse($"it came with {fds.Count} descriptors instead of {expected}");
        var fd = expected == 1 ? fds.Take(0) : null;
        var ring = _rings[index];
        return request switch
        {
            FrontendRequest.SetVringKick => ring.SetKick(fd),
            FrontendRequest.SetVringCall => ring.SetCall(fd),
            _ => ring.SetErr(fd),
        };
    }

    private Outcome DisableRings()
    {
        foreach (var ring in _rings)
            ring.SetEnabled(false);
        return Outcome.Done;
    }
}
