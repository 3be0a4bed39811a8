// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using System.Text.Json;
using GuestSurfaces.Benchmarks.Micro;
using GuestSurfaces.Benchmarks.Parts;
using GuestSurfaces.Benchmarks.Peers;
using GuestSurfaces.Benchmarks.Reporting;

const string usage =
    """
    Measures GuestSurfaces beside baselines in the same run and judges the ratios. Build in Release.

      dotnet run -c Release --project tests/GuestSurfaces.Benchmarks -- [PART...] [--json FILE]

      round-trip  virtio-gpu commands over a real socket, beside QEMU's C helper
      transfer    TRANSFER_TO_HOST_2D, beside memcpy of the same scattered rows
      wire        Wayland requests per flush, beside a C client on libwayland
      link        a frame over the link and back, beside a packet and an eventfd
      flip        a flip from kick to commit, and its system calls, beside a C client on libwayland
      steady      what the whole path allocates per frame
      scanouts    CPU per frame with 64 scanouts, beside one
      neighbours  latencies of honest guests beside a hostile one and a viewer that never reads
      all         everything (the default)
      micro       parts of the frame path under BenchmarkDotNet; further arguments are its own

    Exit code: 0 all goals met or nothing to judge, 1 some missed, 2 wrong use.
    """;

if (args is ["frontends", .. var frontendArguments])
    return FrontendsPeer.Run(frontendArguments);
if (args is ["compositor", .. var compositorArguments])
    return CompositorPeer.Run(compositorArguments);
if (args is ["bridge", .. var bridgeArguments])
    return BridgePeer.Run(bridgeArguments);
if (args is ["link-peer", .. var linkArguments])
    return LinkPeer.Run(linkArguments);
if (args is ["hostile", .. var hostileArguments])
    return NeighbourPeers.RunHostile(hostileArguments);
if (args is ["busy"])
    return NeighbourPeers.RunBusy();
if (args is ["loop", .. var loopArguments])
    return NeighbourPeers.RunLoop(loopArguments);
if (args is ["micro", .. var microArguments])
    return MicroBenchmarks.Run(microArguments);

(string Name, Func<PartResult> Run)[] parts =
[
    ("round-trip", RoundTripPart.Run),
    ("transfer", TransferPart.Run),
    ("wire", WirePart.Run),
    ("link", LinkPart.Run),
    ("flip", FlipPart.Run),
    ("steady", SteadyPart.Run),
    ("scanouts", ScanoutsPart.Run),
    ("neighbours", NeighboursPart.Run),
];
string? json = null;
var wanted = new HashSet<string>();
for (var i = 0; i < args.Length; i++)
{
    if (args[i] is "--help" or "-h")
    {
        Console.WriteLine(usage);
        return 0;
    }

    if (args[i] == "--json" && i + 1 < args.Length)
        json = args[++i];
    else if (args[i] == "all" || parts.Any(part => part.Name == args[i]))
        wanted.Add(args[i]);
    else
    {
        Console.Error.WriteLine($"'{args[i]}' is no part\n\n{usage}");
        return 2;
    }
}

var results = new List<PartResult>();
foreach (var (name, run) in parts)
{
    if (wanted.Count > 0 && !wanted.Contains("all") && !wanted.Contains(name))
        continue;
    Console.Error.WriteLine($"measuring {name} …");
    var result = run();
    ResultTable.Print(result);
    results.Add(result);
}

if (json is not null)
    File.WriteAllText(json, JsonSerializer.Serialize(new BenchmarkReport(1, Environment.ProcessorCount, RuntimeInformation.FrameworkDescription, results), ReportJson.Default.BenchmarkReport) + "\n");
return results.Exists(result => result.Figures.Any(figure => figure.IsMet == false)) ? 1 : 0;
