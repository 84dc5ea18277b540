using System.Net;
using Microsoft.Extensions.Time.Testing;
using PinAgent.Report.Endpoint.Scrape;
using Xunit;

namespace PinAgent.Tests.Report.Endpoint.Scrape;

/// <summary>Made-up tokens by the hour: eighty a second were seen to reach an API server.</summary>
public sealed class QuestionBudgetTests
{
    [Fact]
    public void An_hour_of_made_up_tokens_from_many_addresses_is_a_question_a_second()
    {
        var time = new FakeTimeProvider();
        var budget = new QuestionBudget(time);
        var prometheus = IPAddress.Parse("10.0.0.7");
        budget.NoteAllowed(prometheus);
        var asked = 0;
        for (var second = 0; second < 3600; second++)
        {
            for (var i = 0; i < 80; i++)
            {
                // A stranger's thousand addresses, and one of IPv6 with all those beside it.
                var from = IPAddress.Parse(
                    i % 2 == 0 ? $"10.1.{second % 50}.{i}" : $"fd00::{i:x}:{second:x}"
                );
                asked += budget.TryTake(from, wasAllowed: false) ? 1 : 0;
            }

            // Its token has changed, which happens each hour.
            if (second % 1800 == 900)
            {
                Assert.True(budget.TryTake(prometheus, wasAllowed: false));
            }

            if (second % 15 == 0)
            {
                Assert.True(budget.TryTake(prometheus, wasAllowed: true));
            }

            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(asked, 360, 3600 + 8);
    }

    [Fact]
    public void One_address_has_a_question_each_ten_seconds()
    {
        var time = new FakeTimeProvider();
        var budget = new QuestionBudget(time);
        var from = IPAddress.Parse("::ffff:10.0.0.7");
        var asked = 0;
        for (var second = 0; second < 3600; second++)
        {
            asked += budget.TryTake(from, wasAllowed: false) ? 1 : 0;
            asked += budget.TryTake(IPAddress.Parse("10.0.0.7"), wasAllowed: false) ? 1 : 0;
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(asked, 360, 364);
    }
}
