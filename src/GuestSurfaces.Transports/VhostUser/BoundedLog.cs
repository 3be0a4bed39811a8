// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Transports.VhostUser;

/// <summary>Log lines that a peer can cause: so many, then silence until the next connection.</summary>
internal sealed class BoundedLog(ILogger logger)
{
    private const int MaxLines = 64;
    private int _lines;

    /// <summary>A new connection may speak again.</summary>
    internal void Restart() => _lines = 0;

    /// <summary>Something went as it should.</summary>
    internal void Info(string sentence) => Write(LogLevel.Information, sentence, null);

    /// <summary>Something didn't, and what we do about it.</summary>
    internal void Warn(string sentence) => Write(LogLevel.Warning, sentence, null);

    /// <summary>A bug of ours, survived.</summary>
    internal void Error(string sentence, Exception exception) => Write(LogLevel.Error, sentence, exception);

    private void Write(LogLevel level, string sentence, Exception? exception)
    {
        if (_lines > MaxLines)
            return;
        logger.Log(level, exception, "{Sentence}", _lines++ == MaxLines ? "vhost-user: more lines follow and are left out until the next connection" : sentence);
    }
}
