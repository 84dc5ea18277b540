using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using PinAgent.Model.Text;

namespace PinAgent.Report.Page;

/// <summary>
/// A piece of HTML. It's only made of templates: what a template says is markup, and every text put into it is encoded,
/// because the names on the page are chosen by VMs.
/// </summary>
internal readonly struct Html
{
    private readonly string? _markup;

    private Html(string markup) => _markup = markup;

    /// <summary>Nothing.</summary>
    public static Html None => default;

    /// <summary>The HTML of a template.</summary>
    public static Html Of(HtmlTemplate template) => new(template.ToString());

    /// <summary>Some pieces, each on a line of its own.</summary>
    public static Html Lines(IEnumerable<Html> pieces) => new(string.Join('\n', pieces));

    /// <inheritdoc/>
    public override string ToString() => _markup ?? "";
}

/// <summary>Puts a template together: literals as they are, texts encoded for content and for quoted attributes.</summary>
/// <param name="literalLength">How long the literals are.</param>
/// <param name="formattedCount">How many values there are.</param>
[InterpolatedStringHandler]
internal readonly ref struct HtmlTemplate(int literalLength, int formattedCount)
{
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);
    private readonly StringBuilder _markup = new(literalLength + (formattedCount * 16));

    public void AppendLiteral(string markup) => _markup.Append(markup);

    public void AppendFormatted(string? text) =>
        _markup.Append(Encoder.Encode(Words.Printable(text ?? "")));

    public void AppendFormatted(long number) => _markup.Append(number);

    public void AppendFormatted(Html html) => _markup.Append(html.ToString());

    /// <inheritdoc/>
    public override string ToString() => _markup.ToString();
}
