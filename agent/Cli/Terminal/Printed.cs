using PinAgent.Model.Text;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Terminal;

/// <summary>
/// What is drawn, without anything in its texts that a terminal would obey: names and command lines are tenants', files may
/// come from anywhere. Colours and cursor movements are the drawing's own and stay.
/// </summary>
internal sealed class Printed(IRenderable content) : IRenderable
{
    public Measurement Measure(RenderOptions options, int maxWidth) =>
        content.Measure(options, maxWidth);

    public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) =>
        content
            .Render(options, maxWidth)
            .Select(segment =>
                segment.IsControlCode || segment.IsLineBreak
                    ? segment
                    : new Segment(Words.Shown(segment.Text, Words.LongestSentence), segment.Style)
            );
}
