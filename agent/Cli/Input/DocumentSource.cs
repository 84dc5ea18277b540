using System.Text;

namespace PinAgent.Cli.Input;

/// <summary>
/// Divides a text into pieces of whole documents, where YAML's markers are, so that one after the other is read and none
/// of them is too large. Concatenated JSON without markers is one piece.
/// </summary>
internal static class DocumentSource
{
    /// <summary>How many characters a document may have; a list of a thousand VMs has some millions.</summary>
    public const int MostCharacters = 8 * 1024 * 1024;

    /// <summary>The pieces, each with the number of its first line.</summary>
    /// <param name="source">What it's called, for messages.</param>
    /// <exception cref="InvalidDataException">A piece is too large.</exception>
    public static IEnumerable<(string Text, int FirstLine)> Divide(TextReader text, string source)
    {
        var lines = new BoundedLines(text, MostCharacters, passesOver: false);
        var piece = new StringBuilder();
        var (number, first, hasDocument) = (0, 1, false);
        while (lines.TryRead(out var line, out var isTooLong))
        {
            number++;
            var begins = IsMarker(line, "---");
            if (begins && hasDocument)
            {
                yield return (piece.ToString(), first);
                (first, hasDocument) = (number, false);
                piece.Clear();
            }

            piece.Append(line).Append('\n');
            if (isTooLong || piece.Length > MostCharacters)
            {
                throw new InvalidDataException(
                    $"{source}: line {first}: expected at most {MostCharacters} characters in a document, found more: split it"
                );
            }

            hasDocument |= begins || !IsBetweenDocuments(line);
            if (hasDocument && IsMarker(line, "..."))
            {
                yield return (piece.ToString(), first);
                (first, hasDocument) = (number + 1, false);
                piece.Clear();
            }
        }

        if (piece.Length > 0)
        {
            yield return (piece.ToString(), first);
        }
    }

    // At a line's beginning they are markers even within quotes and blocks of text (YAML 1.2.2, 9.1.2 and 9.1.4).
    private static bool IsMarker(string line, string marker) =>
        line.StartsWith(marker, StringComparison.Ordinal)
        && (line.Length == marker.Length || line[marker.Length] is ' ' or '\t');

    // Comments and directives belong to the document that follows.
    private static bool IsBetweenDocuments(string line) =>
        line.AsSpan().TrimStart() is [] or ['#', ..] || line.StartsWith('%');
}
