// SPDX-License-Identifier: MIT
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>
/// The lab's machine (tests/lab/l1.sh), shared by the tests of a class: booted when the first of them runs a command, ended with the class. Its kernel ends or
/// hangs in emulation once in a while, or its guest's processor is lost there (case.sh); the test whose command that was gets a fresh machine and one more try.
/// </summary>
/// <param name="root">What it boots.</param>
public abstract class L1Machine(string root) : IDisposable
{
    private const int Ended = 125;
    private static readonly string s_script = LabBench.ScriptPath("l1.sh");
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gs-l1");
    private bool _up;
    private bool _hasPrograms;

    /// <summary>A file in the folder that the machine sees as /share.</summary>
    public string this[string name] => Path.Combine(_folder.FullName, "share", name);

    /// <summary>
    /// The folder of our programs in the machine's memory, where they start several times faster than from the build's: lab-shot, and guest-surfaces as users have it, published, which is
    /// compiled beforehand, to the folder GS_PROGRAM. Without that, as they were built.
    /// </summary>
    public string Programs
    {
        get
        {
            const string folder = "/tmp/program";
            if (!_hasPrograms)
            {
                var from = Environment.GetEnvironmentVariable("GS_PROGRAM") ?? AppContext.BaseDirectory;
                Run($"mkdir {folder} && cd '{from}' && cp guest-surfaces *.dll *.json {folder}");
                _hasPrograms = true;
            }

            return folder;
        }
    }

    /// <summary>Runs a test, and once more if the machine has ended meanwhile. Skips it outside the lab.</summary>
    /// <param name="test">Starts from a machine on which anything may run.</param>
    public void Try(Action test)
    {
        LabBench.Require();
        try
        {
            test();
        }
        catch (MachineEndedException e)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"The machine has ended, here is another one. {e.Message}");
            Down();
            test();
        }
    }

    /// <summary>Runs a command in the machine, as root in the repository.</summary>
    /// <param name="command">For bash.</param>
    /// <param name="seconds">It may take.</param>
    /// <returns>What it printed.</returns>
    /// <exception cref="InvalidOperationException">It failed, or took too long.</exception>
    public string Run(string command, int seconds = 120)
    {
        if (!_up)
        {
            // (it may have to be built)
            LabProcess.Run(s_script, ["up", _folder.FullName, "--root", root, "--limit", "2400", "--share", AppContext.BaseDirectory], TimeSpan.FromMinutes(10));
            _up = true;
        }

        using var process = LabProcess.Start(s_script, ["run", _folder.FullName, command, $"{seconds}"]);
        var inTime = process.WaitForExit(TimeSpan.FromSeconds(seconds + 90));
        var output = process.Output;
        if (inTime && process.ExitCode == Ended)
            throw new MachineEndedException(output);
        return inTime && process.ExitCode == 0 ? output : throw new InvalidOperationException($"{command}\nended with {(inTime ? process.ExitCode : "nothing")}:\n{output}");
    }

    public void Dispose()
    {
        Down();
        _folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    private void Down()
    {
        if (_up)
            LabProcess.Run(s_script, ["down", _folder.FullName], TimeSpan.FromMinutes(1));
        _up = _hasPrograms = false;
    }

    private sealed class MachineEndedException(string message) : Exception(message);
}

/// <summary>Debian 13: weston 14, sway 1.10.</summary>
public sealed class StableMachine() : L1Machine("trixie");

/// <summary>Debian's newest.</summary>
public sealed class NewestMachine() : L1Machine("sid");
