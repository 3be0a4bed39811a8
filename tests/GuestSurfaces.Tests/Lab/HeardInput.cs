// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using GuestSurfaces.Core.Input;

namespace GuestSurfaces.Tests.Lab;

/// <summary>What a guest with the job "input" has read from /dev/input, as it prints it: without frames' ends, and without lamps and repeated keys, which are its own doing.</summary>
/// <param name="serialLog">Where its serial line's words are.</param>
internal sealed partial class HeardInput(string serialLog)
{
    private const int Repeated = 2;

    /// <summary>What the guest calls one of our devices.</summary>
    public static string NameOf(InputKind kind) => $"guest-surfaces {kind.ToString().ToLowerInvariant()}";

    /// <summary>Everything up to now, with the device's name.</summary>
    public List<(string Device, InputEvent Event)> Read()
    {
        var names = new Dictionary<string, string>();
        var heard = new List<(string, InputEvent)>();
        foreach (var line in File.ReadLines(serialLog))
        {
            if (NameLine().Match(line) is { Success: true } name)
                names[name.Groups[1].Value] = name.Groups[2].Value.TrimEnd();
            else if (EventLine().Match(line) is { Success: true } e && !IsOwn((InputEventType)Number(e, 2), Number(e, 4)))
                heard.Add((names[e.Groups[1].Value], new InputEvent((InputEventType)Number(e, 2), (ushort)Number(e, 3), Number(e, 4))));
        }

        return heard;
    }

    /// <summary>What one device has told.</summary>
    public List<InputEvent> Of(InputKind kind) => [.. Read().Where(h => h.Device == NameOf(kind)).Select(static h => h.Event)];

    private static bool IsOwn(InputEventType type, int value) => type == InputEventType.Led || (type == InputEventType.Key && value == Repeated);

    private static int Number(Match match, int group) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^GS-INPUT device=(\d+) name=(.*)")]
    private static partial Regex NameLine();

    [GeneratedRegex(@"^GS-INPUT device=(\d+) type=(\d+) code=(\d+) value=(-?\d+)\s*$")]
    private static partial Regex EventLine();
}
