using System.Xml.Linq;
using PinAgent.Report.Page;
using PinAgent.Report.Status;
using Xunit;
using static PinAgent.Tests.Report.Page.PageVms;

namespace PinAgent.Tests.Report.Page;

/// <summary>The map as a picture: well-formed, complete, within its borders, and with nothing of a tenant's that isn't text.</summary>
public sealed class MapSvgTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    public static TheoryData<string> Sizes =>
        ["small", "audit", "medium", "large", "waits", "crowded", "giant"];

    [Fact]
    public void A_small_node_looks_as_it_did() =>
        Golden.Check(
            "page/map.svg",
            MapSvg.Render(PageStatuses.Disturbed(), showsWaits: true).ToString()
        );

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Every_CPU_is_in_it_once_with_its_words_and_nothing_lies_outside(string node)
    {
        var status = Node(node);
        foreach (var showsWaits in new[] { false, true })
        {
            var picture = XDocument.Parse(MapSvg.Render(status, showsWaits).ToString()).Root!;

            var cells = picture.Elements(Svg + "g").ToList();
            Assert.Equal(
                status.Topology.Online.Select(cpu => $"CPU {cpu}"),
                cells
                    .Select(cell => cell.Element(Svg + "title")!.Value.Split(':', '(')[0].Trim())
                    .OrderBy(name => int.Parse(name[4..]))
            );
            var (width, height) = (
                (int)picture.Attribute("width")!,
                (int)picture.Attribute("height")!
            );
            foreach (var box in picture.Descendants(Svg + "rect"))
            {
                Assert.InRange((int?)box.Attribute("x") ?? 0, 0, width);
                Assert.InRange(
                    ((int?)box.Attribute("x") ?? 0) + (int)box.Attribute("width")!,
                    0,
                    width
                );
                Assert.InRange(
                    ((int?)box.Attribute("y") ?? 0) + (int)box.Attribute("height")!,
                    0,
                    height
                );
            }

            // No two cells lie on each other.
            Assert.Distinct(
                cells.Select(cell =>
                    (
                        (int)cell.Element(Svg + "rect")!.Attribute("x")!,
                        (int)cell.Element(Svg + "rect")!.Attribute("y")!
                    )
                )
            );
        }
    }

    [Fact]
    public void It_shows_whose_a_CPU_is_or_how_long_its_vCPU_waited()
    {
        var uses = MapSvg.Render(PageStatuses.Disturbed()).ToString();
        var waits = MapSvg.Render(PageStatuses.Disturbed(), showsWaits: true).ToString();

        Assert.Contains(">vCPU 1</text>", uses);
        Assert.DoesNotContain(">vCPU 1</text>", waits);
        Assert.Contains(">12 %</text>", waits);
        Assert.Contains("2026-03-14 09:26:53 UTC", waits);
        Assert.Contains("CPU 5: default/vm2, vCPU 1; waited 12 % at the last look", waits);
    }

    [Theory]
    [InlineData("</svg><script>alert(1)</script>")]
    [InlineData("\" onload=\"alert(1)")]
    [InlineData("]]>&lol;<!DOCTYPE x>")]
    [InlineData("a\u0000\u001b[31m\u202eb")]
    public void A_name_is_text_and_nothing_else(string name)
    {
        var status = PageStatuses.Small() with { Node = name };
        var picture = MapSvg
            .Render(
                status with
                {
                    Vms =
                    [
                        status.Vms[0] with
                        {
                            Namespace = name,
                            Name = name,
                        },
                        .. status.Vms[1..],
                    ],
                }
            )
            .ToString();

        Assert.All(
            XDocument.Parse(picture).Descendants(),
            part =>
                Assert.Contains(
                    part.Name.LocalName,
                    (string[])["svg", "title", "rect", "g", "text"]
                )
        );
        Assert.DoesNotContain('\u202e', picture);
        Assert.DoesNotContain('\u001b', picture);
    }

    [Fact]
    public void A_long_name_is_cut_in_the_list()
    {
        var picture = MapSvg
            .Render(
                PageStatuses.Small() with
                {
                    Vms = [Pinned("default/" + new string('x', 200), 100, "2", "6")],
                }
            )
            .ToString();

        Assert.Contains($">default/{new string('x', 43)}…</text>", picture);
    }

    internal static NodeStatus Node(string name) =>
        name switch
        {
            "small" => PageStatuses.Small(),
            "audit" => PageStatuses.Audit(),
            "medium" => PageStatuses.Medium(),
            "large" => PageStatuses.Large(),
            "waits" => PageStatuses.Disturbed(),
            "crowded" => PinAgent.Tests.Cli.Look.Nodes.Crowded(),
            _ => PageStatuses.Giant(),
        };
}
