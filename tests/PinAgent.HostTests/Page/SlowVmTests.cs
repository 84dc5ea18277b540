using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Page;

/// <summary>A VM that is slow, or was: when by the reader's clock, who was in its way, and where that's found.</summary>
public sealed class SlowVmTests
{
    private const int Timeout = Patience.Hang;
    private const string Spell = "document.querySelector('#vm-4100 .spell').innerText";
    private const string Remarks = "document.querySelector('.remarks').innerText";
    private const string Axis =
        "[...document.querySelectorAll('.axis time')].map((time) => time.innerText).join(' | ')";
    private const string Mark = "document.querySelector('.mark.l2').getAttribute('aria-label')";

    [Theory(Timeout = Timeout)]
    [InlineData("UTC", "09:11:53 UTC", "03-14 04:26 UTC | 06:56 | 09:26", "05:26:53 UTC")]
    [InlineData(
        "Asia/Kolkata",
        "14:41:53 UTC+5:30",
        "03-14 09:56 UTC+5:30 | 12:26 | 14:56",
        "10:56:53 UTC+5:30"
    )]
    [InlineData(
        "America/St_Johns",
        "06:41:53 UTC-2:30",
        "03-14 01:56 UTC-2:30 | 04:26 | 06:56",
        "02:56:53 UTC-2:30"
    )]
    public async Task Times_are_by_the_readers_clock_and_name_its_zone(
        string zone,
        string since,
        string axis,
        string refused
    )
    {
        await using var server = PageServer.Start("waits");
        await using var browser = await Browser.StartAsync();
        await browser.LiveInAsync(zone);
        await browser.OpenAsync(server.Address);
        await browser.WaitAsync("document.querySelector('.live').textContent === 'live'");

        await LooksAsync("");

        // The same after the page was changed.
        server.Change(html =>
            html.Replace("for CPU 5;", "for CPU 5 now;", StringComparison.Ordinal)
        );
        await browser.WaitAsync($"{Spell}.includes('for CPU 5 now;')");
        await LooksAsync(" now");

        async Task LooksAsync(string more)
        {
            Assert.StartsWith(
                $"Slow since 2026-03-14 {since}: vCPU 1 has waited 5.0 s of the last 10 s for CPU 5{more}; there ran host/builder",
                await browser.ReadAsync(Spell),
                StringComparison.Ordinal
            );
            Assert.Contains(
                $"slow since 2026-03-14 {since};",
                await browser.ReadAsync(Remarks),
                StringComparison.Ordinal
            );
            Assert.Equal(axis, await browser.ReadAsync(Axis));
            Assert.StartsWith(
                $"2026-03-14 {refused} default/vm2: Refused",
                await browser.ReadAsync(Mark),
                StringComparison.Ordinal
            );
            Assert.Equal(
                "2026-03-14 09:11:53 UTC",
                await browser.ReadAsync("document.querySelector('#vm-4100 .spell time').title")
            );
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task Pointing_at_a_VM_finds_its_marks_and_at_a_mark_its_VM_and_what_happened_stays_open()
    {
        const string Own =
            "[...document.querySelectorAll('.mark.traced')].map((mark) => mark.id).join(' ')";
        await using var server = PageServer.Start("waits");
        await using var browser = await Browser.StartAsync();
        await browser.LookAsync(1280);
        await browser.OpenAsync(server.Address);
        await browser.WaitAsync("document.querySelector('.live').textContent === 'live'");

        await browser.PointAsync("#vm-4000 h3");
        await browser.WaitAsync($"{Own} === 'at-4-0 at-1-59 at-1-60'");
        Assert.Equal(
            "0.15 1 1",
            await browser.ReadAsync(
                "['#at-0-95', '#at-4-0', '.map .cpu .mark'].map((one) => getComputedStyle(document.querySelector(one)).opacity).join(' ')"
            )
        );

        await browser.PointAsync("#at-0-95");
        await browser.WaitAsync("document.querySelector('#vm-4100').matches('.traced')");
        Assert.Equal(
            "false",
            await browser.ReadAsync("document.querySelector('#vm-4000').matches('.traced')")
        );

        await browser.ReadAsync("document.querySelector('#changes-4100').open = true");
        server.Change(html =>
            html.Replace("for CPU 5;", "for CPU 5 now;", StringComparison.Ordinal)
        );
        await browser.WaitAsync($"{Spell}.includes('for CPU 5 now;')");
        Assert.Equal(
            "true",
            await browser.ReadAsync("document.querySelector('#changes-4100').open")
        );
        Assert.Empty(browser.Complaints);
    }
}
