// SPDX-License-Identifier: MIT
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace GuestSurfaces.Wayland.Scanner;

/// <summary>The compiler's way in: every XML among the additional files becomes one C# file, and there is one index over all.</summary>
[Generator]
public sealed class ProtocolGenerator : IIncrementalGenerator
{
    private static readonly DiagnosticDescriptor s_badXml = new(
        "GSW001", "Wayland XML can't be used", "{0}", "GuestSurfaces.Wayland", DiagnosticSeverity.Error, isEnabledByDefault: true);

    private static readonly DiagnosticDescriptor s_badReference = new(
        "GSW002", "Wayland XML names something that isn't described", "{0}", "GuestSurfaces.Wayland", DiagnosticSeverity.Error, isEnabledByDefault: true);

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        var protocols = context.AdditionalTextsProvider
            .Where(static file => file.Path.EndsWith(".xml", StringComparison.OrdinalIgnoreCase))
            .Select(static (file, cancel) => ProtocolXml.Read(file.Path, file.GetText(cancel)?.ToString() ?? string.Empty));
        context.RegisterSourceOutput(protocols, static (output, protocol) =>
        {
            Report(output, s_badXml, protocol.Problems);
            if (protocol.Problems.Count == 0)
                output.AddSource(Path.GetFileNameWithoutExtension(protocol.Path) + ".g.cs", SourceText.From(ProtocolEmitter.Emit(protocol), Encoding.UTF8));
        });
        context.RegisterSourceOutput(protocols.Collect(), static (output, all) =>
        {
            var good = all.Where(static protocol => protocol.Problems.Count == 0).OrderBy(static protocol => protocol.Path, StringComparer.Ordinal).ToArray();
            Report(output, s_badReference, References.Check(good));
            output.AddSource("WaylandInterfaces.g.cs", SourceText.From(ProtocolEmitter.EmitIndex(good.SelectMany(static protocol => protocol.Interfaces)), Encoding.UTF8));
        });
    }

    private static void Report(SourceProductionContext output, DiagnosticDescriptor descriptor, IEnumerable<ScanProblem> problems)
    {
        foreach (var problem in problems)
        {
            var position = new LinePosition(Math.Max(problem.Line - 1, 0), 0);
            output.ReportDiagnostic(Diagnostic.Create(descriptor, Location.Create(problem.Path, default, new LinePositionSpan(position, position)), problem.Message));
        }
    }
}
