// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Cli.Hosting;

/// <summary>A folder of this run's own for its sockets, under $XDG_RUNTIME_DIR (or the temporary folder), mode 0700. Gone when disposed.</summary>
internal sealed class RuntimeFolder : IDisposable
{
    private readonly DirectoryInfo _folder;

    public RuntimeFolder()
    {
        var parent = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
        if (string.IsNullOrEmpty(parent) || !Directory.Exists(parent))
            parent = Path.GetTempPath();

        // CreateTempSubdirectory makes it 0700, but only in the temporary folder.
        for (var attempt = 0; ; attempt++)
        {
            var path = Path.Combine(parent, $"guest-surfaces-{Environment.ProcessId}-{attempt}");
            if (Directory.Exists(path))
                continue;
            _folder = Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return;
        }
    }

    /// <summary>A path in it.</summary>
    /// <param name="name">The file's name.</param>
    public string this[string name] => Path.Combine(_folder.FullName, name);

    /// <inheritdoc/>
    public void Dispose() => _folder.Delete(recursive: true);
}
