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
    // Longer pieces aren't copied into what they are part of: a page is boxes in boxes, and would be copied at each level.
    private const int Short = 512;

    // A text, or pieces in their order.
    private readonly object? _markup;
    private readonly int _length;

    private Html(string markup) => (_markup, _length) = (markup, markup.Length);

    private Html(Html[] pieces) =>
        (_markup, _length) = (pieces, pieces.Sum(piece => piece._length));

    /// <summary>Nothing.</summary>
    public static Html None => default;

    private static Html NewLine { get; } = new("\n");

    private int Utf8Length =>
        _markup is Html[] pieces
            ? pieces.Sum(piece => piece.Utf8Length)
            : Encoding.UTF8.GetByteCount((string?)_markup ?? "");

    /// <summary>The HTML of a template.</summary>
    public static Html Of(HtmlTemplate template) => template.ToHtml();

    /// <summary>Some pieces, each on a line of its own.</summary>
    public static Html Lines(IEnumerable<Html> pieces)
    {
        var parts = new List<Html>();
        foreach (var piece in pieces)
        {
            if (parts.Count > 0)
            {
                parts.Add(NewLine);
            }

            parts.Add(piece);
        }

        return Of(parts);
    }

    /// <summary>
    /// In UTF-8. A large page is put together nowhere else: as a text it would have four times its size of memory for a
    /// moment, in the heap of large objects, which is seldom cleaned up.
    /// </summary>
    public byte[] ToUtf8()
    {
        var bytes = new byte[Utf8Length];
        _ = Write(bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        if (_markup is not Html[])
        {
            return (string?)_markup ?? "";
        }

        var text = new StringBuilder(_length);
        Write(text);
        return text.ToString();
    }

    /// <summary>Pieces as one.</summary>
    internal static Html Of(List<Html> pieces)
    {
        var all = new Html([.. pieces]);
        return all._length <= Short ? new Html(all.ToString()) : all;
    }

    /// <summary>Puts it at the end of a text, if that is short.</summary>
    internal bool TryWrite(StringBuilder text)
    {
        if (_length > Short)
        {
            return false;
        }

        Write(text);
        return true;
    }

    private void Write(StringBuilder text)
    {
        if (_markup is Html[] pieces)
        {
            foreach (var piece in pieces)
            {
                piece.Write(text);
            }

            return;
        }

        text.Append((string?)_markup);
    }

    // Returns what is left of the room.
    private Span<byte> Write(Span<byte> room)
    {
        if (_markup is Html[] pieces)
        {
            foreach (var piece in pieces)
            {
                room = piece.Write(room);
            }

            return room;
        }

        return room[Encoding.UTF8.GetBytes((string?)_markup ?? "", room)..];
    }

    /// <summary>A text that is markup.</summary>
    internal static Html OfMarkup(string markup) => new(markup);
}

/// <summary>Puts a template together: literals as they are, texts encoded for content and for quoted attributes.</summary>
[InterpolatedStringHandler]
internal ref struct HtmlTemplate(int literalLength, int formattedCount)
{
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);
    private readonly StringBuilder _markup = new(literalLength + (formattedCount * 16));
    private List<Html>? _pieces;

    public readonly void AppendLiteral(string markup) => _markup.Append(markup);

    public readonly void AppendFormatted(string? text) =>
        _markup.Append(Encoder.Encode(Words.Printable(text ?? "")));

    public readonly void AppendFormatted(long number) => _markup.Append(number);

    public void AppendFormatted(Html html)
    {
        if (!html.TryWrite(_markup))
        {
            _pieces ??= [];
            Cut(_pieces);
            _pieces.Add(html);
        }
    }

    /// <summary>What it has become.</summary>
    public readonly Html ToHtml()
    {
        if (_pieces is null)
        {
            return Html.OfMarkup(_markup.ToString());
        }

        Cut(_pieces);
        return Html.Of(_pieces);
    }

    private readonly void Cut(List<Html> pieces)
    {
        if (_markup.Length > 0)
        {
            pieces.Add(Html.OfMarkup(_markup.ToString()));
            _markup.Clear();
        }
    }
}
