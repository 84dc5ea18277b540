using System.Numerics;
using CsCheck;
using PinAgent.Model.Kubernetes;
using Xunit;

namespace PinAgent.Tests.Validate;

public sealed class QuantityTests
{
    [Theory]
    [InlineData("0", "0", "0")]
    [InlineData("2", "2", "2000")]
    [InlineData("+2", "2", "2000")]
    [InlineData("-2", "-2", "-2000")]
    [InlineData("007", "7", "7000")]
    [InlineData("2000m", "2", "2000")]
    [InlineData("2e0", "2", "2000")]
    [InlineData("2E0", "2", "2000")]
    [InlineData("20e-1", "2", "2000")]
    [InlineData("2.", "2", "2000")]
    [InlineData(".5", "1", "500")]
    [InlineData("1.5", "2", "1500")]
    [InlineData("1500m", "2", "1500")]
    [InlineData("1001m", "2", "1001")]
    [InlineData("-1500m", "-2", "-1500")]
    [InlineData("1500u", "1", "2")]
    [InlineData("1n", "1", "1")]
    [InlineData("1999999999n", "2", "2000")]
    [InlineData("0.1n", "1", "1")]
    [InlineData("-0.1n", "-1", "-1")]
    [InlineData("1e-400", "1", "1")]
    [InlineData("0e-99999999999999999999", "0", "0")]
    [InlineData("1k", "1000", "1000000")]
    [InlineData("1M", "1000000", "1000000000")]
    [InlineData("1G", "1000000000", "1000000000000")]
    [InlineData("1T", "1000000000000", "1000000000000000")]
    [InlineData("1P", "1000000000000000", "1000000000000000000")]
    [InlineData("1E", "1000000000000000000", "1000000000000000000000")]
    [InlineData("1e3", "1000", "1000000")]
    [InlineData("1E3", "1000", "1000000")]
    [InlineData("1e+3", "1000", "1000000")]
    [InlineData("1Ki", "1024", "1024000")]
    [InlineData("0.5Ki", "512", "512000")]
    [InlineData("1Mi", "1048576", "1048576000")]
    [InlineData("1.5Gi", "1610612736", "1610612736000")]
    [InlineData("1Ti", "1099511627776", "1099511627776000")]
    [InlineData("1Pi", "1125899906842624", "1125899906842624000")]
    [InlineData("1Ei", "1152921504606846976", "1152921504606846976000")]
    [InlineData("8Ei", "9223372036854775807", "9223372036854775807000")]
    [InlineData("-8Ei", "-9223372036854775807", "-9223372036854775807000")]
    [InlineData("18446744073709551616", "18446744073709551616", "18446744073709551616000")]
    public void Reads_what_Kubernetes_reads(string text, string value, string milliValue)
    {
        var quantity = Quantity.Parse(text);

        Assert.Equal(BigInteger.Parse(value), quantity.Value);
        Assert.Equal(BigInteger.Parse(milliValue), quantity.MilliValue);
        Assert.Equal(text, quantity.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(" 2")]
    [InlineData("2 ")]
    [InlineData("+")]
    [InlineData("-")]
    [InlineData(".")]
    [InlineData("--2")]
    [InlineData("2.5.1")]
    [InlineData("1,000")]
    [InlineData("1_000")]
    [InlineData("1/2")]
    [InlineData("1 Gi")]
    [InlineData("Gi")]
    [InlineData("1K")]
    [InlineData("1g")]
    [InlineData("1ki")]
    [InlineData("1mi")]
    [InlineData("1GiB")]
    [InlineData("1ii")]
    [InlineData("1i")]
    [InlineData("1e")]
    [InlineData("1e+")]
    [InlineData("1e1.5")]
    [InlineData("1ee3")]
    [InlineData("1e3m")]
    [InlineData("1m3")]
    [InlineData("1e1001")]
    [InlineData("0x2")]
    [InlineData("two")]
    [InlineData("NaN")]
    [InlineData("∞")]
    [InlineData("٢")]
    public void Refuses_what_Kubernetes_refuses(string text)
    {
        Assert.False(Quantity.TryParse(text, out _));
        var problem = Assert.Throws<FormatException>(() => Quantity.Parse(text));
        Assert.Contains($"found \"{text}\"", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_texts_without_end()
    {
        Assert.True(Quantity.TryParse(new string('9', Quantity.MaxLength), out _));
        Assert.False(Quantity.TryParse(new string('9', Quantity.MaxLength + 1), out _));
        Assert.False(Quantity.TryParse(null, out _));
    }

    [Theory]
    [InlineData("2", true)]
    [InlineData("2000m", true)]
    [InlineData("2e0", true)]
    [InlineData("2.000", true)]
    [InlineData("1Ki", true)]
    [InlineData("1.5", false)]
    [InlineData("1500m", false)]
    [InlineData("2001m", false)]
    [InlineData("1999m", false)]
    [InlineData("2000001u", false)]
    [InlineData("1999001u", true)] // rounded up twice: 2, and 2000 thousandths
    [InlineData("1999999999n", true)]
    public void Whole_is_what_rounds_up_to_the_same_in_thousandths(string text, bool expected) =>
        Assert.Equal(expected, Quantity.Parse(text).IsWhole);

    [Theory]
    [InlineData("2", "2000m")]
    [InlineData("1Gi", "1024Mi")]
    [InlineData("1G", "1e9")]
    [InlineData("0", "-0")]
    public void Different_words_for_the_same_amount_are_equal(string one, string other)
    {
        var (left, right) = (Quantity.Parse(one), Quantity.Parse(other));

        Assert.Equal(left, right);
        Assert.True(left == right && left <= right && left >= right && left.Equals((object)right));
        Assert.Equal(left.GetHashCode(), right.GetHashCode());
    }

    [Fact]
    public void Amounts_are_ordered_by_value_not_by_text()
    {
        Quantity[] shuffled =
        [
            .. new[] { "1Gi", "-1", "9n", "1G", "0", "10m", "2", "1Ki" }.Select(Quantity.Parse),
        ];

        Assert.Equal(
            ["-1", "0", "9n", "10m", "2", "1Ki", "1G", "1Gi"],
            shuffled.Order().Select(quantity => quantity.ToString())
        );
        Assert.True(Quantity.Parse("1999m") < Quantity.Parse("2"));
        Assert.True(Quantity.Parse("1.001") > Quantity.Parse("1"));
        Assert.True(Quantity.Parse("1") != Quantity.Parse("1n"));
    }

    [Fact]
    public void Decimals_keep_their_value_to_the_nano() =>
        Gen.Long[-1_000_000_000_000, 1_000_000_000_000]
            .Sample(nanos =>
            {
                var text = (nanos / 1_000_000_000m).ToString("0.#########");
                return Quantity.Parse(text) == Quantity.Parse($"{nanos}n");
            });

    [Fact]
    public void No_text_at_all_brings_the_reader_down() =>
        Gen.String[Gen.Char["0123456789.+-eEinumkKMGTP "], 0, 12]
            .Sample(text => Quantity.TryParse(text, out var quantity) || quantity == default);
}
