// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Tests.Orders;

/// <summary>A bug put in on purpose.</summary>
internal enum Flaw
{
    /// <summary>The session's word that a frame is settled doesn't reach the device.</summary>
    AnswerLost,

    /// <summary>The last request that was answered is answered again.</summary>
    AnswerRepeated,

    /// <summary>A viewer doesn't give a lock back.</summary>
    LockKept,
}
