// SPDX-License-Identifier: MIT
using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace GuestSurfaces.Cli.Hosting;

/// <summary>
/// The log on standard error: one line an event, standard output stays free for results. Put together by hand: to have it done by LoggerFactory.Create, a container of
/// services, was a third of what a viewer needs to start.
/// </summary>
internal static class ConsoleLog
{
    /// <summary>Makes the loggers of one run.</summary>
    /// <param name="verbose">Every step, not only what users care about.</param>
    public static ILoggerFactory Create(bool verbose)
    {
        var options = new ConsoleLoggerOptions { FormatterName = OneLine.FormatterName, LogToStandardErrorThreshold = LogLevel.Trace };
        return new LoggerFactory(
            [new ConsoleLoggerProvider(new Unchanging(options), [new OneLine(hasColours: !Console.IsErrorRedirected)])],
            new LoggerFilterOptions { MinLevel = verbose ? LogLevel.Trace : LogLevel.Information });
    }

    /// <summary><c>20:55:02.935 info: work: a VMM has connected</c>.</summary>
    private sealed class OneLine(bool hasColours) : ConsoleFormatter(FormatterName)
    {
        public const string FormatterName = "one-line";

        public override void Write<TState>(in LogEntry<TState> entry, IExternalScopeProvider? scopes, TextWriter writer)
        {
            var (level, colour) = entry.LogLevel switch
            {
                LogLevel.Trace => ("trce", "\e[90m"),
                LogLevel.Debug => ("dbug", "\e[90m"),
                LogLevel.Information => ("info", "\e[32m"),
                LogLevel.Warning => ("warn", "\e[1;33m"),
                _ => ("fail", "\e[1;31m"),
            };
            writer.Write(DateTime.Now.ToString("HH:mm:ss.fff ", CultureInfo.InvariantCulture));
            writer.Write(hasColours ? $"{colour}{level}\e[0m" : level);
            writer.Write($": {entry.Category}: {InOneLine(entry.Formatter(entry.State, entry.Exception))}");
            if (entry.Exception is { } exception)
                writer.Write($" {InOneLine(exception.ToString())}");
            writer.WriteLine();
        }

        private static string InOneLine(string text) => text.ReplaceLineEndings(" ");
    }

    private sealed class Unchanging(ConsoleLoggerOptions options) : IOptionsMonitor<ConsoleLoggerOptions>
    {
        public ConsoleLoggerOptions CurrentValue => options;

        public ConsoleLoggerOptions Get(string? name) => options;

        public IDisposable? OnChange(Action<ConsoleLoggerOptions, string?> listener) => null;
    }
}
