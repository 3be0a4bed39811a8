// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Tests.Wayland;

/// <summary>Files of the checkout that the tests run from.</summary>
internal static class Repository
{
    private static readonly string s_root = Find();

    internal static string Path(string relative) => System.IO.Path.Combine(s_root, relative);

    private static string Find()
    {
        for (var at = AppContext.BaseDirectory; at is not null; at = System.IO.Path.GetDirectoryName(at))
        {
            if (File.Exists(System.IO.Path.Combine(at, "GuestSurfaces.sln")))
                return at;
        }

        throw new InvalidOperationException($"no GuestSurfaces.sln above {AppContext.BaseDirectory}");
    }
}
