// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Cli.Capture;

/// <summary>A file for its user's eyes, which is there whole or not at all.</summary>
internal static class PrivateFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes a file, in the place of the one that has this name, if there is one: a link is replaced, not followed.</summary>
    /// <param name="path">Absolute. Its folder is there; another name in it is used meanwhile.</param>
    /// <param name="write">Writes what is to stand in it. Whatever it throws, nothing has changed.</param>
    /// <exception cref="IOException">It can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It mustn't be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var unfinished = Path.Combine(Path.GetDirectoryName(path)!, $".{Path.GetRandomFileName()}");
        using (var file = new FileStream(unfinished, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
        {
            try
            {
                write(file);
                file.Flush();
                File.Move(unfinished, path, overwrite: true);
            }
            catch
            {
                File.Delete(unfinished);
                throw;
            }
        }
    }
}
