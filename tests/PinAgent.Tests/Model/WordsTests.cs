using PinAgent.Model.Text;
using Xunit;

namespace PinAgent.Tests.Model;

public sealed class WordsTests
{
    [Theory]
    [InlineData("short", "\"short\"")]
    [InlineData(
        "1234567890123456789012345678901234567890",
        "\"1234567890123456789012345678901234567890\""
    )]
    [InlineData(
        "12345678901234567890123456789012345678901",
        "\"1234567890123456789012345678901234567890…\""
    )]
    // A character of two halves isn't cut in two.
    [InlineData(
        "123456789012345678901234567890123456789\U0001F600",
        "\"123456789012345678901234567890123456789…\""
    )]
    [InlineData("\u001b[2J", "\"\ufffd[2J\"")]
    public void Quotes_what_is_printable_of_a_text_and_no_half_of_a_character(
        string text,
        string quoted
    ) => Assert.Equal(quoted, Words.Quote(text));

    [Theory]
    [InlineData("abc", 3, "abc")]
    [InlineData("abcd", 3, "abc… (4 characters)")]
    [InlineData("ab\U0001F600", 3, "ab… (4 characters)")]
    public void Shows_so_much_of_a_text_and_says_how_long_it_is(
        string text,
        int most,
        string shown
    ) => Assert.Equal(shown, Words.Shown(text, most));
}
