// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli.Capture;
using Xunit;

namespace GuestSurfaces.Tests.Cli;

/// <summary>Files that are there whole or not at all.</summary>
public sealed class PrivateFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gs-private");

    private string Target => Path.Combine(_folder.FullName, "picture.png");

    [Fact]
    public void A_file_is_replaced_when_the_new_one_is_whole_and_is_its_users_alone()
    {
        File.WriteAllText(Target, "older");
        File.SetUnixFileMode(Target, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        PrivateFile.Write(Target, file =>
        {
            file.Write("newer"u8);
            file.Flush();
            Assert.Equal("older", File.ReadAllText(Target));
            Assert.All(_folder.GetFiles(), f => Assert.Equal(f.FullName == Target, (f.UnixFileMode & UnixFileMode.OtherRead) != 0));
        });
        Assert.Equal("newer", File.ReadAllText(Assert.Single(_folder.GetFiles()).FullName));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Target));
    }

    [Fact]
    public void What_fails_on_the_way_changes_and_leaves_nothing()
    {
        File.WriteAllText(Target, "older");
        Assert.Throws<IOException>(() => PrivateFile.Write(Target, static file =>
        {
            file.WriteByte(1);
            throw new IOException("the disk is full");
        }));
        Assert.Equal("older", File.ReadAllText(Assert.Single(_folder.GetFiles()).FullName));
        File.Delete(Target);
        Directory.CreateDirectory(Target);
        Assert.ThrowsAny<SystemException>(() => PrivateFile.Write(Target, static file => file.WriteByte(1)));
        Assert.Empty(_folder.GetFiles());
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
