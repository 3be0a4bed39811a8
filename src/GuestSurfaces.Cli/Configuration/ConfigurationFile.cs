// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace GuestSurfaces.Cli.Configuration;

/// <summary>
/// A user's settings: JSON, with comments and trailing commas. <c>defaults</c> holds what is for all VMs, <c>vms</c> what is for one, by its name. Keys and values are the command line's,
/// which wins. Whatever isn't known is an error: a setting that does nothing would be taken for one that does.
/// </summary>
internal sealed class ConfigurationFile
{
    private const string Defaults = "defaults", Vms = "vms";
    private static readonly JsonReaderOptions s_format = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    private readonly string _path;
    private readonly List<Setting> _settings = [];

    private ConfigurationFile(string path) => _path = path;

    /// <summary>Where this user's is, whether or not it is there; null for a user without a home.</summary>
    public static string? PathOfUser
    {
        get
        {
            var folder = Environment.GetEnvironmentVariable("XDG_CONFIG_HOME");
            if (string.IsNullOrEmpty(folder) && Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home)
                folder = Path.Combine(home, ".config");
            return string.IsNullOrEmpty(folder) ? null : Path.Combine(folder, "guest-surfaces", "config.json");
        }
    }

    /// <summary>Reads a file, all of it, and checks what can be checked without starting anything.</summary>
    /// <param name="path">A missing file is an empty one.</param>
    /// <param name="root">The program, whose options are its keys.</param>
    /// <exception cref="UserErrorException">What is wrong in which line, and what was probably meant.</exception>
    public static ConfigurationFile Read(string? path, Command root)
    {
        var file = new ConfigurationFile(path ?? "");
        if (!File.Exists(path))
            return file;
        var bytes = File.ReadAllBytes(path);
        try
        {
            file.Parse(bytes, root);
        }
        catch (JsonException e)
        {
            throw file.Wrong(e.LineNumber.GetValueOrDefault() + 1, $"this isn't JSON: {e.Message.Split(". LineNumber")[0].Split(" Change the reader")[0].TrimEnd('.')}", "guest-surfaces config --help shows an example");
        }

        return file;
    }

    /// <summary>What holds for a VM: its own settings, and those of all that it doesn't have itself.</summary>
    /// <param name="vm">Its name; null: of all alone.</param>
    public IReadOnlyDictionary<string, Setting> For(string? vm) =>
        _settings.Where(s => s.Vm is null || s.Vm == vm).OrderBy(static s => s.Vm is not null).GroupBy(static s => s.Key).ToDictionary(static g => g.Key, static g => g.Last());

    private void Parse(byte[] bytes, Command root)
    {
        var reader = new Utf8JsonReader(bytes, s_format);
        var options = SettableOptions.OfAll(root);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Wrong(Line(bytes, reader), "the file isn't an object", "guest-surfaces config --help shows an example");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var section = reader.GetString()!;
            var line = Line(bytes, reader);
            if (section is not (Defaults or Vms))
                throw Wrong(line, $"there is no section \"{section}\"", SettableOptions.Nearest([Defaults, Vms], section) is { } near ? $"\"{near}\" is probably meant" : $"settings stand in \"{Defaults}\", or by VM in \"{Vms}\"");
            Enter(bytes, ref reader, section);
            if (section == Defaults)
            {
                ParseSettings(bytes, ref reader, null, options);
                continue;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var vm = reader.GetString()!;
                Enter(bytes, ref reader, vm);
                ParseSettings(bytes, ref reader, vm, options);
            }
        }
    }

    private void Enter(byte[] bytes, ref Utf8JsonReader reader, string name)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Wrong(Line(bytes, reader), $"\"{name}\" isn't an object", $"write \"{name}\": {{ … }}");
    }

    private void ParseSettings(byte[] bytes, ref Utf8JsonReader reader, string? vm, IReadOnlyList<Option> options)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            var line = Line(bytes, reader);
            var option = options.FirstOrDefault(o => o.Name == $"--{key}");
            if (option is null)
            {
                var near = SettableOptions.Nearest(options.Select(static o => o.Name[2..]), key.TrimStart('-'));
                throw Wrong(line, $"there is no setting \"{key}\"", near is not null ? $"\"{near}\" is probably meant" : "guest-surfaces config show lists them");
            }

            reader.Read();
            var setting = new Setting(vm, key, ReadValues(bytes, ref reader, key), Place(line));
            Check(setting, option);
            _settings.Add(setting);
        }
    }

    private List<string> ReadValues(byte[] bytes, ref Utf8JsonReader reader, string key)
    {
        var values = new List<string>();
        var isArray = reader.TokenType == JsonTokenType.StartArray;
        do
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartArray or JsonTokenType.EndArray when isArray: break;
                case JsonTokenType.String: values.Add(reader.GetString()!); break;
                case JsonTokenType.Number: values.Add(Encoding.UTF8.GetString(reader.ValueSpan)); break;
                case JsonTokenType.True: values.Add("true"); break;
                case JsonTokenType.False: values.Add("false"); break;
                default: throw Wrong(Line(bytes, reader), $"\"{key}\" has no value that an option could have", "a text, a number, true or false; or an array of those, for an option that may be repeated");
            }
        }
        while (isArray && reader.TokenType != JsonTokenType.EndArray && reader.Read());
        return values;
    }

    // As the command line checks it: by parsing it as one. What only the command itself finds out is told with its place when it runs.
    private static void Check(Setting setting, Option option)
    {
        var probe = new Command("probe") { option };
        var errors = probe.Parse([.. setting.ToArguments(option)]).Errors;
        if (errors.Count > 0)
            throw new UserErrorException($"{setting.Place}: {CommandLineProgram.Plain(errors[^1].Message)}", $"\"{setting.Key}\" is --{setting.Key}: {option.Description?.Split('\n')[0]}");
    }

    private UserErrorException Wrong(long line, string problem, string remedy) => new($"{Place(line)}: {problem}", remedy);

    private string Place(long line) => string.Create(CultureInfo.InvariantCulture, $"{_path}:{line}");

    private static int Line(byte[] bytes, in Utf8JsonReader reader) => bytes.AsSpan(0, (int)reader.TokenStartIndex).Count((byte)'\n') + 1;
}
