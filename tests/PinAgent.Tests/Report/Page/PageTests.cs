using PinAgent.Report.Page;
using PinAgent.Report.Status;
using Xunit;

namespace PinAgent.Tests.Report.Page;

/// <summary>The page as a browser gets it, compared with files; tests/PinAgent.HostTests opens the same in Chromium.</summary>
public sealed class PageTests
{
    public static TheoryData<string> Pages => ["small", "audit", "medium", "large", "waits"];

    [Theory]
    [MemberData(nameof(Pages))]
    public void A_node_of_this_size_looks_as_it_did(string page) =>
        Golden.Check(
            $"page/{page}.html",
            page switch
            {
                "small" => PageRenderer.Render(PageStatuses.Small()).ToString(),
                "audit" => PageRenderer.Render(PageStatuses.Audit()).ToString(),
                "medium" => PageRenderer.Render(PageStatuses.Medium()).ToString(),
                "large" => PageRenderer.Render(PageStatuses.Large()).ToString(),
                _ => PageRenderer
                    .Render(
                        PageStatuses.Slow(),
                        PageWaits.Picture(PageStatuses.Slow()),
                        PageWaits.Timeline()
                    )
                    .ToString(),
            }
        );

    [Theory]
    [InlineData(1, "1 more VM", "of 2 vCPUs fit; 3 whole CPUs are free")]
    [InlineData(0, "0 more VMs", "of 2 vCPUs fit; 1 whole CPU is free")]
    [InlineData(null, null, null)]
    public void The_room_for_more_VMs_is_shown_where_it_is_known(
        int? fits,
        string? figure,
        string? explanation
    )
    {
        var page = PageRenderer
            .Render(
                PageStatuses.Small() with
                {
                    Capacity = fits is { } count
                        ? new NodeCapacityStatus(FreeCpus: (2 * count) + 1, Vcpus: 2, Fits: count)
                        : null,
                }
            )
            .ToString();

        Assert.Equal(fits is not null, page.Contains(">Capacity<", StringComparison.Ordinal));
        Assert.Contains($"{figure}", page, StringComparison.Ordinal);
        Assert.Contains($"{explanation}", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_a_thousand_CPUs_each_has_its_VMs_letters_and_its_box_their_numbers()
    {
        var page = PageRenderer.Render(PageStatuses.Giant()).ToString();

        Assert.Contains("""<section class="map dense crowded" """, page, StringComparison.Ordinal);
        Assert.Contains("<h5>L3 0 · 0-11,768-779</h5>", page, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "crowded",
            PageRenderer.Render(PageStatuses.Large()).ToString(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_largest_node_has_a_page_of_less_than_three_megabytes()
    {
        var giant = PageStatuses.Giant();
        var page = PageRenderer
            .Render(giant, PageWaits.Picture(giant), PageWaits.Timeline())
            .ToString();

        Assert.InRange(page.Length, 500_000, 3_000_000);
    }
}
