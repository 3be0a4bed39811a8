// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>Tells of refused commands, without letting a guest fill the log: a few lines, then how many were left out.</summary>
internal sealed class GuestErrorLog(ILogger logger)
{
    private const int LinesPerPeriod = 8;
    private const long PeriodNs = 10_000_000_000;

    private long _periodStart;
    private int _lines;
    private long _leftOut;

    public void Refused(VirtioGpuCommandType command, VirtioGpuResponse response, long nowNs)
    {
        if (nowNs - _periodStart >= PeriodNs)
        {
            if (_leftOut > 0)
                logger.LogWarning("virtio-gpu: refused {Count} more commands of the guest", _leftOut);
            _periodStart = nowNs;
            _lines = 0;
            _leftOut = 0;
        }

        if (_lines == LinesPerPeriod)
        {
            _leftOut++;
            return;
        }

        _lines++;
        logger.LogWarning("virtio-gpu: refused the guest's command {Command} (0x{Number:x}): {Response}", command, (uint)command, response);
    }
}
