// SPDX-License-Identifier: MIT
using System.Collections.Generic;
using System.Linq;

namespace GuestSurfaces.Wayland.Scanner;

/// <summary>Checks what files say about each other: interfaces and enums that an argument names must be described somewhere.</summary>
public static class References
{
    /// <summary>Finds names without a description.</summary>
    /// <param name="protocols">All files.</param>
    public static IEnumerable<ScanProblem> Check(IReadOnlyCollection<ProtocolModel> protocols)
    {
        var interfaces = new HashSet<string>(protocols.SelectMany(static p => p.Interfaces).Select(static i => i.Name));
        var enums = new HashSet<string>(protocols.SelectMany(static p => p.Interfaces).SelectMany(static i => i.Enums.Select(e => i.Name + "." + e.Name)));
        foreach (var protocol in protocols)
        {
            foreach (var type in protocol.Interfaces)
            {
                foreach (var message in type.Requests.Concat(type.Events))
                {
                    foreach (var arg in message.Args)
                    {
                        if (arg.Interface is { } named && !interfaces.Contains(named))
                            yield return new ScanProblem(protocol.Path, message.Line, $"{type.Name}.{message.Name}: interface {named} isn't described");
                        if (arg.Enum is { } value && !enums.Contains(value.Contains('.') ? value : type.Name + "." + value))
                            yield return new ScanProblem(protocol.Path, message.Line, $"{type.Name}.{message.Name}: enum {value} isn't described");
                    }
                }
            }
        }
    }
}
