using System.Globalization;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Page;

/// <summary>The colours of the map that shows how long vCPUs waited.</summary>
public sealed class HeatTests
{
    private const int Timeout = Patience.Hang;

    [Theory(Timeout = Timeout)]
    [InlineData("light")]
    [InlineData("dark")]
    public async Task Who_waits_longer_stands_out_more_and_its_figure_can_be_read(string scheme)
    {
        await using var server = PageServer.Start("waits");
        await using var browser = await Browser.StartAsync();
        await browser.LookAsync(1280, scheme);
        await browser.OpenAsync(server.Address);
        await browser.ReadAsync("document.querySelector('#show-waits').click()");

        var looks = await browser.ReadAsync(
            """
            [...document.querySelectorAll('.legend.heat .cpu')].map((cpu) => {
              const light = (colour) => {
                const [r, g, b] = colour.match(/[0-9.]+/g).slice(0, 3)
                  .map((part) => part / 255)
                  .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
              };
              const style = getComputedStyle(cpu);
              return `${light(style.backgroundColor)} ${light(getComputedStyle(cpu.querySelector('.wait')).color)}`;
            }).join(';')
            """
        );
        var steps = looks
            .Split(';')
            .Select(step =>
                step.Split(' ')
                    .Select(light => double.Parse(light, CultureInfo.InvariantCulture))
                    .ToArray()
            )
            .ToList();

        Assert.Equal(6, steps.Count);
        var grounds = steps.Select(step => step[0]).ToList();
        Assert.Equal(scheme == "light" ? grounds.OrderDescending() : grounds.Order(), grounds);
        // WCAG 2.2's contrast for text.
        Assert.All(
            steps,
            step =>
                Assert.InRange(
                    (Math.Max(step[0], step[1]) + 0.05) / (Math.Min(step[0], step[1]) + 0.05),
                    4.5,
                    21.1
                )
        );
    }
}
