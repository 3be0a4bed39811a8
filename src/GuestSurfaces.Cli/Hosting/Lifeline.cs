// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using System.Text;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Cli.Hosting;

/// <summary>
/// A process's end of the socket to the program that has started it and supervises it. When that ends, however it does, this end becomes readable, and the process ends too. And here it
/// tells the few things that a supervisor must hear, in one packet of text each. Thread: the loop's.
/// </summary>
internal sealed class Lifeline : IDisposable
{
    /// <summary>The option by which a supervisor tells that it is one.</summary>
    public const string OptionName = "--lifeline";

    /// <summary>Told by a device: a VMM can connect now. Followed by the path where viewers connect, if there is one.</summary>
    public const string Listening = "listening ";

    /// <summary>Told by a device: the user has closed the guest's window.</summary>
    public const string WindowClosed = "window closed";

    private const string Mode = "mode ";

    private readonly UnixSocketHandle _socket;
    private readonly FdWatch _watch;

    private Lifeline(EventLoop loop, UnixSocketHandle socket)
    {
        _socket = socket;
        _watch = loop.Watch(socket, EpollEvents.In, new StopLoop(loop));
    }

    /// <summary>For a command that can be supervised.</summary>
    /// <param name="what">What it is, and what else it does otherwise under supervision.</param>
    public static Option<int?> CreateOption(string what) => new(OptionName)
    {
        Description = $"For programs that supervise a {what}.",
        HelpName = "N",
    };

    /// <summary>Takes over what the supervisor has left here.</summary>
    /// <param name="loop">Stops when the supervisor has ended. Borrowed; this is to be disposed before it.</param>
    /// <param name="number">The descriptor's; null: nobody supervises.</param>
    /// <exception cref="UserErrorException">It isn't there.</exception>
    public static Lifeline? Inherit(EventLoop loop, int? number)
    {
        if (number is not { } fd)
            return null;
        try
        {
            return new Lifeline(loop, UnixSocketHandle.FromInherited(fd));
        }
        catch (SyscallException e)
        {
            throw new UserErrorException($"{OptionName} {fd} isn't an open socket: {e.Message}", "leave it out, unless a program starts this one");
        }
    }

    /// <summary>Told by a device: which monitor the guest is to see on a head, for a VMM that alone can make it look.</summary>
    /// <param name="head">0 to 15.</param>
    /// <param name="mode">The monitor.</param>
    public static string TextOf(int head, in OutputMode mode) =>
        string.Create(CultureInfo.InvariantCulture, $"{Mode}{head} {mode.Size.Width} {mode.Size.Height} {mode.RefreshMilliHz} {mode.WidthMm} {mode.HeightMm} {(mode.Enabled ? 1 : 0)}");

    /// <summary>Reads what <see cref="TextOf"/> wrote.</summary>
    /// <param name="text">What was told.</param>
    /// <returns>Null if it is something else.</returns>
    public static (int Head, OutputMode Mode)? ParseMode(string text)
    {
        if (!text.StartsWith(Mode, StringComparison.Ordinal))
            return null;
        var words = text[Mode.Length..].Split(' ');
        var numbers = new int[7];
        for (var i = 0; i < numbers.Length; i++)
        {
            if (words.Length != numbers.Length || !int.TryParse(words[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]))
                return null;
        }

        return (numbers[0], new OutputMode(new BufferSize(numbers[1], numbers[2]), numbers[3], numbers[4], numbers[5], numbers[6] == 1));
    }

    /// <summary>Tells the supervisor something. One that doesn't listen isn't waited for.</summary>
    /// <param name="what">What.</param>
    public void Tell(string what) => _ = _socket.Send(Encoding.UTF8.GetBytes(what), [], out _, wait: false); // gone: then the loop hears it too

    /// <inheritdoc/>
    public void Dispose()
    {
        _watch.Dispose();
        _socket.Dispose();
    }
}
