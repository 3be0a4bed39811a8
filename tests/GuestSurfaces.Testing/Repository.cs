// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Testing;

/// <summary>Files of the checkout that the tests run from.</summary>
public static class Repository
{
    /// <summary>Its folder.</summary>
    public static string Root { get; } = Find();

    /// <summary>A file or folder in it.</summary>
    /// <param name="relative">From the root, with slashes.</param>
    public static string Path(string relative) => System.IO.Path.Combine(Root, relative);

    private static string Find()
    {
        for (var at = AppContext.BaseDirectory; at is not null; at = System.IO.Path.GetDirectoryName(at))
        {
            if (File.Exists(System.IO.Path.Combine(at, "GuestSurfaces.sln")))
                return at;
        }

        throw new InvalidOperationException($"no GuestSurfaces.sln above {AppContext.BaseDirectory}: the tests don't run inside the repository");
    }
}
