// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Input;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>What one of the guest's devices is to have told, in this order and nothing else.</summary>
/// <param name="heard">What there was to hear.</param>
/// <param name="kind">Which device.</param>
/// <param name="tolerance">How far values may be off: what a desktop tells as a fraction comes back a little different.</param>
internal sealed class ExpectedInput(HeardInput heard, InputKind kind, int tolerance = 0)
{
    private readonly List<InputEvent> _events = [];

    /// <summary>Whether something was told that isn't expected.</summary>
    public bool HasNews => heard.Of(kind).Count > _events.Count;

    public void Add(params ReadOnlySpan<InputEvent> events) => _events.AddRange(events);

    public void Await()
    {
        LabBench.WaitUntil(() => heard.Of(kind).Count >= _events.Count, TimeSpan.FromSeconds(30), $"{kind}: {_events.Count} events, up to {_events[^1]}");
        Assert.Equal(_events, heard.Of(kind), (e, h) => (e.Type, e.Code) == (h.Type, h.Code) && Math.Abs((long)e.Value - h.Value) <= tolerance);
    }

    /// <summary>Takes what is told up to an event as it comes.</summary>
    public void SkipTo(InputEvent last)
    {
        LabBench.WaitUntil(() => heard.Of(kind) is [.., var e] && e == last, TimeSpan.FromSeconds(30), $"{kind}: {last}");
        _events.Clear();
        _events.AddRange(heard.Of(kind));
    }
}
