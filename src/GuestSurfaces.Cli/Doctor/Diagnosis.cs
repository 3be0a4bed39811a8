// SPDX-License-Identifier: MIT
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace GuestSurfaces.Cli.Doctor;

/// <summary>Whether pictures of guests can be shown without a copy.</summary>
internal enum DirectVerdict
{
    /// <summary>None can.</summary>
    No,

    /// <summary>Some are too large, or in too many pieces.</summary>
    Partly,

    /// <summary>As far as can be told beforehand.</summary>
    Yes,
}

/// <summary>What all findings together mean. Its JSON: additions keep <see cref="CurrentSchema"/>; a changed or removed member raises it.</summary>
internal sealed record Diagnosis(IReadOnlyList<Finding> Findings)
{
    public const int CurrentSchema = 1;

    // For programs and people, never part of a web page: a + stays a +.
    private static readonly DoctorJson s_json = new(new JsonSerializerOptions(DoctorJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>Whether guests can be shown at all.</summary>
    public bool Works => !Findings.Any(static f => f.Severity == Severity.Broken);

    /// <summary>Whether nothing is missing that costs speed.</summary>
    public bool IsFast => !Findings.Any(static f => f.Severity >= Severity.Slower);

    public DirectVerdict Direct =>
        Findings.Any(static f => f.AgainstDirect.Length > 0) ? DirectVerdict.No
        : Findings.Any(static f => f.AgainstSomeDirect.Length > 0) ? DirectVerdict.Partly
        : DirectVerdict.Yes;

    /// <summary>Why not, or not all; empty for <see cref="DirectVerdict.Yes"/>.</summary>
    public IReadOnlyList<string> Because =>
        [.. Findings.Select(f => Direct == DirectVerdict.No ? f.AgainstDirect : f.AgainstSomeDirect).Where(static reason => reason.Length > 0)];

    /// <summary>Judges a machine.</summary>
    /// <param name="facts">What was seen of it.</param>
    /// <param name="command">A QEMU command line; empty for none.</param>
    public static Diagnosis Of(HostFacts facts, IReadOnlyList<string> command) => new(
        [.. VmmChecks.Judge(facts), .. KernelChecks.Judge(facts), .. CompositorChecks.Judge(facts), .. command.Count == 0 ? [] : CommandLineChecks.Judge(command, facts)]);

    public string ToJson() => JsonSerializer.Serialize(
        new DiagnosisJson(
            CurrentSchema,
            Works,
            Direct,
            Because,
            [.. Findings.Select(static f => new FindingJson(f.Id, f.Area, f.Severity, f.Subject, f.Observation, f.Fix))]),
        s_json.DiagnosisJson);
}

internal sealed record DiagnosisJson(int Schema, bool Works, DirectVerdict Direct, IReadOnlyList<string> Because, IReadOnlyList<FindingJson> Findings);

internal sealed record FindingJson(string Id, Area Area, Severity Severity, string Subject, string Observation, IReadOnlyList<string> Fix);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    Converters = [typeof(LowerCaseEnum<Area>), typeof(LowerCaseEnum<Severity>), typeof(LowerCaseEnum<DirectVerdict>)])]
[JsonSerializable(typeof(DiagnosisJson))]
internal sealed partial class DoctorJson : JsonSerializerContext;

internal sealed class LowerCaseEnum<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower)
    where T : struct, Enum;
