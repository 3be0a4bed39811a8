// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.Gpu;
using Microsoft.Extensions.Logging;
using Xunit;

namespace GuestSurfaces.Tests.Gpu;

public sealed class GpuLogTests : ILogger
{
    private readonly List<string> _lines = [];

    [Fact]
    public void A_guest_cannot_fill_the_log()
    {
        using var gpu = new GpuHarness(logger: this);
        for (var i = 0; i < 1000; i++)
            gpu.Unref(9);
        Assert.Equal(8, _lines.Count);
        Assert.Equal("virtio-gpu: refused the guest's command ResourceUnref (0x102): InvalidResourceId", _lines[0]);
        gpu.Run(11_000_000_000);
        gpu.Unref(9);
        Assert.Equal("virtio-gpu: refused 992 more commands of the guest", _lines[8]);
        Assert.Equal(10, _lines.Count);
    }

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Add(formatter(state, exception));
}
