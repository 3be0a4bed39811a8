// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Cli.Present;

/// <summary>How a presenter comes by links to sources, one at a time. Thread: the loop's.</summary>
internal interface ILinkDoor : IDisposable
{
    /// <summary>Looks for a source now.</summary>
    /// <exception cref="UserErrorException">There can't be any.</exception>
    void Open();

    /// <summary>Looks for a source until there is one, without hurry. Never calls back at once.</summary>
    void Reopen();

    /// <summary>No source is wanted now.</summary>
    void Close();
}
