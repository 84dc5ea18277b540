using System.Globalization;
using PinAgent.Model.Vm;

namespace PinAgent.Model.Text;

/// <summary>Values in the words that people and programs see.</summary>
internal static class Words
{
    private const int LongestQuoted = 40;

    /// <summary>The role's word: <c>vcpu</c>, <c>emulator</c>, <c>iothread</c>, <c>vhost</c>, <c>kvm-pit</c>, <c>helper</c>.</summary>
    public static string ToWord(this ThreadRole role) =>
        role switch
        {
            ThreadRole.Vcpu => "vcpu",
            ThreadRole.Emulator => "emulator",
            ThreadRole.IoThread => "iothread",
            ThreadRole.Vhost => "vhost",
            ThreadRole.KvmPit => "kvm-pit",
            _ => "helper",
        };

    /// <summary>
    /// A text of somebody else's, fit for a terminal and a log: control characters, marks that turn the direction of
    /// writing and line separators become <c>�</c>.
    /// </summary>
    public static string Printable(string text) =>
        text.Any(IsUnprintable)
            ? string.Concat(text.Select(c => IsUnprintable(c) ? '\ufffd' : c))
            : text;

    /// <summary>A text of somebody else's in quotes, printable, and cut where it's long.</summary>
    public static string Quote(string text) =>
        $"\"{Cut(text, LongestQuoted)}{(text.Length > LongestQuoted ? "…" : "")}\"";

    /// <summary>The most characters of a name that are shown: as many as a name in Kubernetes may have.</summary>
    public const int LongestName = 253;

    /// <summary>The most characters of a sentence, which may quote names and values of somebody else's.</summary>
    public const int LongestSentence = 4096;

    /// <summary>A text of somebody else's as it's shown: fit for a terminal, and cut off where it's longer than it has reason to be.</summary>
    /// <param name="most">How many characters of it are shown.</param>
    public static string Shown(string text, int most = LongestName) =>
        $"{Cut(text, most)}{(text.Length > most ? $"… ({text.Length} characters)" : "")}";

    /// <summary>
    /// JSON that says the same with nothing in it that a terminal obeys: such characters can only be in its strings, where
    /// they have another form. Line breaks between values stay.
    /// </summary>
    public static string PrintableJson(string json) =>
        json.Any(IsHidden)
            ? string.Concat(json.Select(c => IsHidden(c) ? $"\\u{(int)c:x4}" : $"{c}"))
            : json;

    // Half of a pair of UTF-16 is no character.
    private static string Cut(string text, int most) =>
        Printable(
            text.Length <= most ? text
            : char.IsHighSurrogate(text[most - 1]) ? text[..(most - 1)]
            : text[..most]
        );

    private static bool IsHidden(char c) => IsUnprintable(c) && c is not ('\n' or '\r' or '\t');

    private static bool IsUnprintable(char c) =>
        char.GetUnicodeCategory(c)
            is UnicodeCategory.Control
                or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator;
}
