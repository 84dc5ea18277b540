using PinAgent.Report.Page;
using Xunit;

namespace PinAgent.Tests.Report.Page;

/// <summary>The page as a browser gets it, compared with files; tests/PinAgent.HostTests opens the same in Chromium.</summary>
public sealed class PageTests
{
    public static TheoryData<string> Pages => ["small", "audit", "medium", "large"];

    [Theory]
    [MemberData(nameof(Pages))]
    public void A_node_of_this_size_looks_as_it_did(string page) =>
        Golden.Check(
            $"page/{page}.html",
            PageRenderer.Render(
                page switch
                {
                    "small" => PageStatuses.Small(),
                    "audit" => PageStatuses.Audit(),
                    "medium" => PageStatuses.Medium(),
                    _ => PageStatuses.Large(),
                }
            )
        );
}
