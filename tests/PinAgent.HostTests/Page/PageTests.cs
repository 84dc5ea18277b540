using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Page;

/// <summary>The status page in Chromium, as an administrator sees, hears and uses it.</summary>
public sealed class PageTests
{
    private const int Timeout = Patience.Hang;
    private const string Traced =
        "[...document.querySelectorAll('.cpu.traced')].map((cpu) => cpu.id.slice(4)).join(' ')";

    public static TheoryData<string> Pages => ["small", "audit", "medium", "large", "waits"];

    [Theory(Timeout = Timeout)]
    [MemberData(nameof(Pages))]
    public async Task Nothing_is_complained_of_and_a_phone_need_not_scroll_sideways(string page)
    {
        await using var server = PageServer.Start(page);
        await using var browser = await Browser.StartAsync();

        foreach (var (width, scheme) in new[] { (1280, "light"), (1280, "dark"), (360, "light") })
        {
            await browser.LookAsync(width, scheme);
            await browser.OpenAsync(server.Address);
            await browser.WaitAsync("document.querySelector('.live').textContent === 'live'");
            await browser.ReadAsync(
                "document.querySelectorAll('details').forEach((details) => { details.open = true; })"
            );

            Assert.Equal("0", await browser.ReadAsync(Overhang));
        }

        Assert.Empty(browser.Complaints);
    }

    [Fact(Timeout = Timeout)]
    public async Task Long_and_strange_names_stay_within_a_phones_width()
    {
        await using var server = PageServer.Start(
            "small",
            html =>
                html.Replace("default/vm", new string('W', 400) + "שרת/", StringComparison.Ordinal)
        );
        await using var browser = await Browser.StartAsync();
        await browser.LookAsync(360);

        await browser.OpenAsync(server.Address);

        Assert.Equal("0", await browser.ReadAsync(Overhang));
    }

    [Theory(Timeout = Timeout)]
    [InlineData("medium", "2 of 4 dedicated VMs pinned")]
    [InlineData("waits", "there ran host/builder (pid 4200, 97 % of CPU 5)")]
    public async Task Without_scripts_the_page_says_the_same(string page, string sentence)
    {
        const string Text = "document.querySelector('main').innerText";
        await using var server = PageServer.Start(page);
        await using var browser = await Browser.StartAsync();
        await browser.OpenAsync(server.Address);
        var withScripts = await browser.ReadAsync(Text);

        await browser.AllowScriptsAsync(false);
        await browser.OpenAsync(new Uri(server.Address, "?without"));

        Assert.Equal(withScripts, await browser.ReadAsync(Text));
        Assert.Equal("true", await browser.ReadAsync("document.querySelector('.live').hidden"));
        Assert.Contains(sentence, withScripts, StringComparison.Ordinal);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_screen_reader_hears_whose_a_CPU_is_and_how_a_VM_stands()
    {
        await using var server = PageServer.Start("medium");
        await using var browser = await Browser.StartAsync();
        await browser.OpenAsync(server.Address);

        await browser.ReadAsync("document.querySelector('#threads-5100').open = true");
        var heard = await browser.HearAsync();

        Assert.Contains(("link", "CPU 40: prod/database-0, vCPU 1"), heard);
        Assert.Contains(("link", "CPU 43: prod/database-0, vCPU 7 (wanted, not there)"), heard);
        Assert.Contains(("heading", "worker-03.example.org"), heard);
        Assert.Contains(("heading", "B prod/database-0"), heard);
        Assert.Contains(("heading", "NUMA node 4 · L3 1"), heard);
        Assert.Contains(("columnheader", "Wanted"), heard);
        Assert.DoesNotContain(heard, node => node is ("link" or "DisclosureTriangle", ""));
    }

    [Fact(Timeout = Timeout)]
    public async Task Pointing_at_a_CPU_shows_its_VM_and_pointing_at_a_VM_shows_its_CPUs()
    {
        await using var server = PageServer.Start("small");
        await using var browser = await Browser.StartAsync();
        await browser.OpenAsync(server.Address);

        await browser.PointAsync("#cpu-6");

        await browser.WaitAsync("document.querySelector('#vm-4000').matches('.traced')");
        Assert.Equal("2 3 6", await Sorted(browser));
        Assert.Equal(
            "false",
            await browser.ReadAsync("document.querySelector('#vm-4100').matches('.traced')")
        );
        Assert.Equal("CPU 6: default/vm1, vCPU 1", await browser.ReadAsync(Inspector));

        await browser.PointAsync("#vm-4100");

        await browser.WaitAsync("document.querySelector('#vm-4100').matches('.traced')");
        Assert.Equal("7", await Sorted(browser));

        await browser.PointAsync("h1");

        await browser.WaitAsync("!document.querySelector('main').matches('.tracing')");
    }

    [Fact(Timeout = Timeout)]
    public async Task With_the_keyboard_alone_one_walks_over_the_CPUs_and_goes_to_a_VM()
    {
        await using var server = PageServer.Start("small");
        await using var browser = await Browser.StartAsync();
        await browser.LookAsync(1280);
        await browser.OpenAsync(server.Address);

        // Over the links to the page's parts.
        for (var link = 0; link < 3; link++)
        {
            await browser.PressAsync("Tab", 9);
            Assert.Equal("A", await browser.ReadAsync("document.activeElement.tagName"));
        }

        await browser.PressAsync("Tab", 9);
        Assert.Equal("cpu-0", await browser.ReadAsync(Focus));
        await browser.PressAsync("End", 35);
        Assert.Equal("cpu-7", await browser.ReadAsync(Focus));
        await browser.PressAsync("ArrowUp", 38);
        await browser.PressAsync("ArrowLeft", 37);
        Assert.Equal("cpu-6", await browser.ReadAsync(Focus));
        Assert.Equal("2 3 6", await Sorted(browser));
        Assert.NotEqual(
            "none",
            await browser.ReadAsync("getComputedStyle(document.activeElement).outlineStyle")
        );

        await browser.PressAsync("Enter", 13);
        await browser.WaitAsync("location.hash === '#vm-4000'");

        await browser.PressAsync("Tab", 9);
        Assert.Equal(
            "threads-4000",
            await browser.ReadAsync("document.activeElement.parentElement.id")
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task A_change_is_shown_and_told_and_leaves_the_reader_where_he_was()
    {
        await using var server = PageServer.Start("large");
        await using var browser = await Browser.StartAsync();
        await browser.LookAsync(1280);
        await browser.OpenAsync(server.Address);
        await browser.WaitAsync("document.querySelector('.live').textContent === 'live'");
        await browser.ReadAsync(
            """
            (() => {
              document.querySelector('#threads-6300').open = true;
              document.querySelector('#threads-6300 summary').focus();
              window.scrollTo(0, 300);
            })()
            """
        );

        server.Change(html =>
            html.Replace("All 11 dedicated VMs", "Nearly all VMs", StringComparison.Ordinal)
        );

        await browser.WaitAsync(
            "document.querySelector('.announcement').textContent === 'Nearly all VMs are pinned.'"
        );
        Assert.Equal(
            "true",
            await browser.ReadAsync("document.querySelector('#threads-6300').open")
        );
        Assert.Equal(
            "true",
            await browser.ReadAsync(
                "document.activeElement === document.querySelector('#threads-6300 summary')"
            )
        );
        Assert.Equal("300", await browser.ReadAsync("window.scrollY"));
        Assert.StartsWith("epyc-17: Nearly all", await browser.ReadAsync("document.title"));
    }

    [Fact(Timeout = Timeout)]
    public async Task A_lost_agent_is_told_of_and_found_again()
    {
        await using var server = PageServer.Start("small");
        await using var browser = await Browser.StartAsync();
        await browser.OpenAsync(server.Address);
        await browser.WaitAsync("document.querySelector('.live').textContent === 'live'");

        server.Leave();
        await browser.WaitAsync(
            "document.querySelector('.live').textContent.startsWith('connection lost since ')"
        );
        Assert.Matches(
            "^No agent since [0-9:]{8} – small: ",
            await browser.ReadAsync("document.title")
        );
        Assert.Equal(
            "grayscale(1)",
            await browser.ReadAsync("getComputedStyle(document.querySelector('main')).filter")
        );
        server.IsThere = true;

        await browser.WaitAsync("document.querySelector('.live').textContent === 'live'");
        Assert.StartsWith("small: ", await browser.ReadAsync("document.title"));
        Assert.Equal(
            "none",
            await browser.ReadAsync("getComputedStyle(document.querySelector('main')).filter")
        );
    }

    [Theory(Timeout = Timeout)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task How_long_vCPUs_waited_is_a_figure_and_a_colour_with_and_without_scripts(
        bool scripts
    )
    {
        await using var server = PageServer.Start("waits");
        await using var browser = await Browser.StartAsync();
        await browser.LookAsync(1280);
        await browser.AllowScriptsAsync(scripts);
        await browser.OpenAsync(server.Address);
        Assert.Equal(
            "vCPU 1",
            await browser.ReadAsync("document.querySelector('#cpu-5 .mark').innerText")
        );
        Assert.Equal("none", await browser.ReadAsync(Shown("#cpu-5 .wait")));
        var before = await browser.ReadAsync(Ground("#cpu-5"));

        await browser.ReadAsync("document.querySelector('#show-waits').click()");

        Assert.Equal("none", await browser.ReadAsync(Shown("#cpu-5 .mark")));
        Assert.Equal(
            "12 %",
            await browser.ReadAsync("document.querySelector('#cpu-5 .wait').innerText")
        );
        Assert.NotEqual(before, await browser.ReadAsync(Ground("#cpu-5")));
        Assert.NotEqual(
            await browser.ReadAsync(Ground("#cpu-5")),
            await browser.ReadAsync(Ground("#cpu-1"))
        );
        Assert.Equal("flex", await browser.ReadAsync(Shown(".legend.heat")));
        Assert.Equal("none", await browser.ReadAsync(Shown(".legend.uses")));
        Assert.Equal("none", await browser.ReadAsync(Shown(".save .uses")));
        Assert.Empty(browser.Complaints);

        static string Shown(string part) =>
            $"getComputedStyle(document.querySelector('{part}')).display";
        static string Ground(string part) =>
            $"getComputedStyle(document.querySelector('{part}')).backgroundColor";
    }

    [Fact(Timeout = Timeout)]
    public async Task Verdict_and_legend_are_seen_without_scrolling_and_a_change_keeps_what_is_chosen()
    {
        const string Bottom =
            "document.querySelector('.legend.heat').getBoundingClientRect().bottom";
        await using var server = PageServer.Start("waits");
        await using var browser = await Browser.StartAsync();
        await browser.LookAsync(390);
        await browser.OpenAsync(server.Address);
        await browser.WaitAsync("document.querySelector('.live').textContent === 'live'");
        await browser.ReadAsync("document.querySelector('#show-waits').click()");

        Assert.Equal(
            "verdict problem",
            await browser.ReadAsync("document.querySelector('main').firstElementChild.className")
        );
        Assert.Equal(
            "true",
            await browser.ReadAsync($"{Bottom} > 0 && {Bottom} < window.innerHeight")
        );

        server.Change(html => html.Replace("waited 12 %", "waited 13 %", StringComparison.Ordinal));

        await browser.WaitAsync(
            "document.querySelector('.verdict .sentence').innerText.includes('waited 13 %')"
        );
        Assert.Equal(
            "true",
            await browser.ReadAsync("document.querySelector('#show-waits').checked")
        );
        // Whatever is said of it, it stays under the pointer.
        const string Place =
            "document.querySelector('#cpu-5').getBoundingClientRect().top + window.scrollY";
        var place = await browser.ReadAsync(Place);
        await browser.PointAsync("#cpu-5");
        await browser.WaitAsync(
            $"{Inspector} === 'CPU 5: default/vm2, vCPU 1; waited 13 % at the last look, 12 % of the last minute'"
        );
        Assert.Equal(place, await browser.ReadAsync(Place));
    }

    [Fact(Timeout = Timeout)]
    public async Task What_happened_is_told_under_the_pointer_and_with_the_keyboard()
    {
        const string Words = "document.querySelector('.timeline .words').textContent";
        await using var server = PageServer.Start("waits");
        await using var browser = await Browser.StartAsync();
        await browser.LookAsync(1280);
        await browser.OpenAsync(server.Address);
        await browser.WaitAsync("document.querySelector('.live').textContent === 'live'");

        await browser.PointAsync(".mark.l2");
        await browser.WaitAsync($"{Words}.includes('3 vCPUs need 3 CPUs')");

        await browser.ReadAsync("document.querySelector('.mark[tabindex=\"0\"]').focus()");
        Assert.Contains("no longer so", await browser.ReadAsync(Words), StringComparison.Ordinal);
        await browser.PressAsync("ArrowLeft", 37);
        Assert.Contains(
            "host/builder (pid 4200, 97 % of CPU 5)",
            await browser.ReadAsync(Words),
            StringComparison.Ordinal
        );
        await browser.PressAsync("Home", 36);
        Assert.Contains(
            "default/vm1: pinned within",
            await browser.ReadAsync(Words),
            StringComparison.Ordinal
        );
        Assert.Equal(
            "1",
            await browser.ReadAsync("document.querySelectorAll('.mark[tabindex=\"0\"]').length")
        );
        Assert.Contains(
            (await browser.HearAsync()),
            heard => heard.Name.Contains("the agent started", StringComparison.Ordinal)
        );
    }

    private const string Overhang =
        "document.documentElement.scrollWidth - document.documentElement.clientWidth";

    private const string Inspector = "document.querySelector('.inspector').textContent";

    private const string Focus = "document.activeElement.id";

    private static async Task<string> Sorted(Browser browser) =>
        string.Join(' ', (await browser.ReadAsync(Traced)).Split(' ').Select(int.Parse).Order());
}
