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
        text.Length <= LongestQuoted
            ? $"\"{Printable(text)}\""
            : $"\"{Printable(text[..LongestQuoted])}…\"";

    private static bool IsUnprintable(char c) =>
        char.GetUnicodeCategory(c)
            is UnicodeCategory.Control
                or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator;
}
