using System.Collections.Immutable;
using System.Text;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Cluster;
using PinAgent.Report.Page;
using PinAgent.Report.Status;
using PinAgent.Tests.Plan;
using Xunit;
using static PinAgent.Tests.Report.Page.PageVms;

namespace PinAgent.Tests.Report.Page;

/// <summary>Whoever runs a VM chooses names and messages that the page shows.</summary>
public sealed class HostileNameTests
{
    [Theory]
    [InlineData("<script>alert(1)</script>")]
    [InlineData("\"><img src=x onerror=alert(1)>")]
    [InlineData("' onmouseover='alert(1)")]
    [InlineData("</title></bdi></li><h1>")]
    [InlineData("{0} {{ $\"")]
    [InlineData("&lt;b&gt;")]
    public void A_name_adds_no_markup_wherever_it_is_shown(string name)
    {
        var page = PageRenderer.Render(Everywhere(name)).ToString();

        Assert.Equal(Tags(PageRenderer.Render(Everywhere("name")).ToString()), Tags(page));
        Assert.DoesNotContain(name, page, StringComparison.Ordinal);
    }

    [Fact]
    public void Marks_that_turn_the_direction_of_writing_are_replaced()
    {
        var page = PageRenderer.Render(Everywhere("a\u202Eb\u2066c")).ToString();

        Assert.DoesNotContain('\u202E', page);
        Assert.Contains("a\ufffdb\ufffdc", page);
    }

    [Fact]
    public void A_name_that_is_written_from_right_to_left_keeps_to_its_place()
    {
        var page = PageRenderer.Render(Everywhere("שרת")).ToString();

        Assert.Contains("<bdi>שרת/שרת</bdi>", page);
    }

    [Fact]
    public void What_is_sent_is_the_page_in_UTF8_whatever_a_name_is_written_in()
    {
        var page = PageRenderer.Render(Everywhere("שרת-é-\U0001F680"));

        Assert.Equal(Encoding.UTF8.GetBytes(page.ToString()), page.ToUtf8());
    }

    [Fact]
    public void A_very_long_name_is_shown_whole()
    {
        var name = new string('x', 5000);

        Assert.Contains(
            $"<bdi>{name}/{name}</bdi>",
            PageRenderer.Render(Everywhere(name)).ToString()
        );
    }

    // What is between < and >, in the order of the page: element names and attribute names.
    private static ImmutableArray<string> Tags(string page) =>
        [.. page.Split('<').Skip(1).Select(part => part[..part.IndexOfAny([' ', '>'])])];

    private static NodeStatus Everywhere(string text)
    {
        var vm = Pinned("default/vm1", 100, "0", "4");
        return PageStatuses.Node(text, Nodes.Parse(Nodes.A)) with
        {
            ModeMessage = text,
            Mode = AgentMode.Audit,
            Notices = [text],
            Violations = [new Violation(ViolationKind.Overlap, CpuSet.Parse("0"), text)],
            CpuManager = new CpuManagerStatus(CpuManagerState.Unknown, null, [text]),
            Labels = new Dictionary<string, LabelStatus> { [text] = new(text, text, text, text) },
            Vms =
            [
                vm.With(thread => thread with { Comm = text, Rule = text }) with
                {
                    Namespace = text,
                    Name = text,
                    PodUid = text,
                    Reason = Reason.Unreadable,
                    Message = text,
                    Advisories = [text],
                },
            ],
        };
    }
}
