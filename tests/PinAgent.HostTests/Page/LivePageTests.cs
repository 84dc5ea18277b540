using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Page;

/// <summary>The page of a running agent, with real guests.</summary>
public sealed class LivePageTests
{
    private const int Timeout = Patience.Hang;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    [Fact(Timeout = Timeout)]
    public async Task A_guest_that_starts_and_one_that_ends_are_seen_without_reloading()
    {
        Requires.RealGuests(cpus: 2);
        await using var browser = await Browser.StartAsync();
        await using var agent = new AgentLoop("--vm", _name);
        var line = (await agent.WaitForLogsAsync("Status at http://", "looking every"))[0];
        await browser.OpenAsync(new Uri(line[line.IndexOf("http://", StringComparison.Ordinal)..]));
        await browser.WaitAsync("document.querySelector('.live').textContent === 'live'");
        await browser.ReadAsync("document.body.dataset.loaded = 'once'");

        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        var vm = _name.Replace('_', '/');

        await browser.WaitAsync(
            $"document.querySelector('#cpu-0').ariaLabel === 'CPU 0: {vm}, vCPU 0'"
        );
        await browser.WaitAsync(
            $"document.querySelector('#vm-{guest.Pid} .state')?.innerText.endsWith('Pinned')"
        );
        Assert.Equal("0", guest.Masks()[(await guest.Monitor.VcpuThreadsAsync())[0]]);

        await guest.KillAsync();

        await browser.WaitAsync($"!document.querySelector('#vm-{guest.Pid}')");
        Assert.Equal("once", await browser.ReadAsync("document.body.dataset.loaded"));
        Assert.Empty(browser.Complaints);
    }
}
