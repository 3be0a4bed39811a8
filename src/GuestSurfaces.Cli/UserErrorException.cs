// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Cli;

/// <summary>Something the user can put right: printed in one or two lines, without a stack trace. Exit code 2.</summary>
/// <param name="problem">What is wrong.</param>
/// <param name="remedy">What to do about it.</param>
internal sealed class UserErrorException(string problem, string remedy) : Exception(problem)
{
    /// <summary>What to do about it.</summary>
    public string Remedy { get; } = remedy;
}
