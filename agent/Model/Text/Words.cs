using System.Globalization;
using PinAgent.Model.Vm;

namespace PinAgent.Model.Text;

/// <summary>Values in the words that people and programs see.</summary>
internal static class Words
{
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

    /// <summary>The most characters of somebody else's text that a sentence quotes.</summary>
    public const int LongestQuote = 200;

    /// <summary>
    /// A text of somebody else's as a sentence quotes it: fit for a terminal, and cut off where it's longer than a name has
    /// reason to be.
    /// </summary>
    public static string Shown(string text)
    {
        if (text.Length <= LongestQuote)
        {
            return Printable(text);
        }

        // Half of a pair of UTF-16 is no character.
        var end = char.IsHighSurrogate(text[LongestQuote - 1]) ? LongestQuote - 1 : LongestQuote;
        return $"{Printable(text[..end])}… ({text.Length} characters)";
    }

    private static bool IsUnprintable(char c) =>
        char.GetUnicodeCategory(c)
            is UnicodeCategory.Control
                or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator;
}
