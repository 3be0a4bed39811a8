// SPDX-License-Identifier: MIT
using System.Text;
using GuestSurfaces.Tests.Lab;

namespace GuestSurfaces.Tests.Weston;

/// <summary>A FIFO for lines to another program. Open both ways as long as this is: writing waits neither for a program that isn't there yet nor for one that has ended.</summary>
internal sealed class CommandFifo : IDisposable
{
    private readonly FileStream _stream;

    /// <summary>Makes it.</summary>
    /// <param name="path">Where there is nothing yet.</param>
    public CommandFifo(string path)
    {
        LabProcess.Run("mkfifo", [path], TimeSpan.FromSeconds(60));
        _stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
    }

    /// <summary>Writes lines; what doesn't fit into a pipe waits.</summary>
    public void Write(params IEnumerable<string> lines) => _stream.Write(Encoding.ASCII.GetBytes(string.Concat(lines.Select(static line => $"{line}\n"))));

    public void Dispose() => _stream.Dispose();
}
