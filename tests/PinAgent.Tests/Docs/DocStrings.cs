using System.Xml.Linq;

namespace PinAgent.Tests.Docs;

/// <summary>What the agent's code says of itself, as Markdown.</summary>
internal static class DocStrings
{
    private static readonly Dictionary<string, XElement> Summaries = XDocument
        .Load(
            Path.ChangeExtension(typeof(PinAgent.Report.Status.NodeStatus).Assembly.Location, "xml")
        )
        .Descendants("member")
        .Where(member => member.Element("summary") is not null)
        .ToDictionary(
            member => member.Attribute("name")!.Value,
            member => member.Element("summary")!
        );

    /// <summary>The summary of an enumeration's value.</summary>
    public static string Of(Enum value)
    {
        var text = string.Concat(
            Summaries[$"F:{value.GetType().FullName}.{value}"].Nodes().Select(Markdown)
        );
        return string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    private static string Markdown(XNode node) =>
        node is XElement { Name.LocalName: "c" } code ? $"`{code.Value}`" : node.ToString();
}
