// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace GuestSurfaces.Cli.Hosting;

/// <summary>The log on standard error: one line an event, standard output stays free for results.</summary>
internal static class ConsoleLog
{
    /// <summary>Makes the loggers of one run.</summary>
    /// <param name="verbose">Every step, not only what users care about.</param>
    public static ILoggerFactory Create(bool verbose) => LoggerFactory.Create(builder =>
    {
        builder.SetMinimumLevel(verbose ? LogLevel.Trace : LogLevel.Information);
        builder.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss.fff ";
            console.ColorBehavior = Console.IsErrorRedirected ? LoggerColorBehavior.Disabled : LoggerColorBehavior.Default;
        });
        builder.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    });
}
