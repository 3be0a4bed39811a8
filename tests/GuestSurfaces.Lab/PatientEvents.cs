// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Sessions;

namespace GuestSurfaces.Lab;

/// <summary>
/// A session that isn't told how fast the screen is: it holds flips for as long as its <see cref="Core.Limits"/> say, not for two refreshes. A display that is emulated as a whole is
/// on time while the machine beside it is ten times too slow.
/// </summary>
/// <param name="session">The guest's.</param>
internal sealed class PatientEvents(IDisplayEvents session) : IDisplayEvents
{
    public void Committed(int scanout, ulong serial) => session.Committed(scanout, serial);

    public void Latched(int scanout, ulong serial, long timeNs) => session.Latched(scanout, serial, timeNs);

    public void Superseded(int scanout, ulong serial) => session.Superseded(scanout, serial);

    public void ModeWanted(int scanout, in OutputMode mode) => session.ModeWanted(scanout, mode with { RefreshMilliHz = 0 });

    public void CloseWanted(int scanout) => session.CloseWanted(scanout);

    public void BufferRefused(int scanout, BufferStorage storage, string reason) => session.BufferRefused(scanout, storage, reason);

    public void DisplayChanged() => session.DisplayChanged();
}
