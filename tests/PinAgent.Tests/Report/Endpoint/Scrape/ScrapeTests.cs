using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using PinAgent.Cli.Options;
using PinAgent.Report.Endpoint.Scrape;
using Xunit;
using static PinAgent.Tests.Report.Endpoint.Scrape.Scraped;

namespace PinAgent.Tests.Report.Endpoint.Scrape;

/// <summary>A Prometheus on another node reads the metrics if the cluster lets it.</summary>
public sealed class ScrapeTests
{
    private const int Timeout = Patience.Hang;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact(Timeout = Timeout)]
    public async Task Who_may_read_the_metrics_gets_them_and_the_cluster_is_asked_once_a_minute()
    {
        await using var scraped = await StartAsync();
        var first = scraped.GetAsync("good");
        var (token, access) = await scraped.AdmitAsync();

        using (var response = await first)
        {
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Contains(
                "\npinagent_drift_repairs_total 7\n",
                await response.Content.ReadAsStringAsync(Stop)
            );
        }

        Assert.Equal("good", (string?)JsonNode.Parse(token)!["spec"]!["token"]);
        Assert.Equal(
            """{"nonResourceAttributes":{"path":"/metrics","verb":"get"},"user":"prometheus","uid":"u1","groups":["system:authenticated"],"extra":{"pod":["p0"]}}""",
            JsonNode.Parse(access)!["spec"]!.ToJsonString()
        );

        scraped.Time.Advance(ScrapeGuard.Lifetime - TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.OK, await CodeAsync(scraped.GetAsync("good")));
        Assert.False(scraped.Api.HasMore);

        scraped.Time.Advance(TimeSpan.FromSeconds(1));
        var later = scraped.GetAsync("good");
        await scraped.AdmitAsync(isAllowed: false);
        Assert.Equal(HttpStatusCode.Forbidden, await CodeAsync(later));
    }

    [Fact(Timeout = Timeout)]
    public async Task Who_may_not_is_told_the_right_that_is_missing_and_remembered()
    {
        await using var scraped = await StartAsync();
        var first = scraped.GetAsync("poor");
        await scraped.AdmitAsync(isAllowed: false);

        using var response = await first;

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Contains("pinagent-metrics-reader", await ProblemAsync(response));
        Assert.Equal(HttpStatusCode.Forbidden, await CodeAsync(scraped.GetAsync("poor")));
        Assert.False(scraped.Api.HasMore);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_token_that_the_cluster_does_not_know_is_nobodys_and_remembered()
    {
        await using var scraped = await StartAsync();
        var first = scraped.GetAsync("garbage");
        await scraped.DisownAsync();

        using var response = await first;

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("Bearer", $"{response.Headers.WwwAuthenticate}");
        Assert.Contains("a token that the cluster knows", await ProblemAsync(response));
        Assert.Equal(HttpStatusCode.Unauthorized, await CodeAsync(scraped.GetAsync("garbage")));
        Assert.False(scraped.Api.HasMore);
    }

    [Theory(Timeout = Timeout)]
    [InlineData(null, null)]
    [InlineData("Basic", "dTpw")]
    [InlineData("Bearer", "")]
    public async Task Without_a_token_the_cluster_is_not_even_asked(string? scheme, string? value)
    {
        await using var scraped = await StartAsync();

        using var response = await scraped.SendAsync(
            HttpMethod.Get,
            "/metrics",
            scheme is null ? null : new AuthenticationHeaderValue(scheme, value)
        );

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("Bearer", $"{response.Headers.WwwAuthenticate}");
        Assert.False(scraped.Api.HasMore);
    }

    [Theory(Timeout = Timeout)]
    [InlineData("GET", "/", HttpStatusCode.NotFound)]
    [InlineData("GET", "/api/v1/status", HttpStatusCode.NotFound)]
    [InlineData("POST", "/metrics", HttpStatusCode.MethodNotAllowed)]
    [InlineData("DELETE", "/metrics", HttpStatusCode.MethodNotAllowed)]
    public async Task Nothing_but_the_metrics_is_there(
        string method,
        string path,
        HttpStatusCode code
    )
    {
        await using var scraped = await StartAsync();

        using var response = await scraped.SendAsync(
            new HttpMethod(method),
            path,
            new AuthenticationHeaderValue("Bearer", "good")
        );

        Assert.Equal(code, response.StatusCode);
        await ProblemAsync(response);
        Assert.False(scraped.Api.HasMore);
    }

    [Fact(Timeout = Timeout)]
    public async Task An_agent_that_may_not_ask_says_which_right_it_needs()
    {
        await using var scraped = await StartAsync();
        var first = scraped.GetAsync("good");
        await (await scraped.Api.NextAsync(TokenReviews)).RefuseAsync(403, "Forbidden");
        using (var response = await first)
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.Contains(
                "may not create tokenreviews.authentication.k8s.io: apply deploy/monitoring/rbac.yaml",
                await ProblemAsync(response)
            );
        }

        // That was no answer, so there is nothing to remember.
        var second = scraped.GetAsync("good");
        await scraped.AdmitAsync();
        Assert.Equal(HttpStatusCode.OK, await CodeAsync(second));
    }

    [Fact(Timeout = Timeout)]
    public async Task Without_the_API_server_those_whom_it_let_in_before_are_let_in()
    {
        await using var scraped = await StartAsync();
        var first = scraped.GetAsync("good");
        await scraped.AdmitAsync();
        Assert.Equal(HttpStatusCode.OK, await CodeAsync(first));

        scraped.Api.GoAway();

        Assert.Equal(HttpStatusCode.OK, await CodeAsync(scraped.GetAsync("good")));
        using var response = await scraped.GetAsync("other");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Contains("the API server can't be asked", await ProblemAsync(response));
    }

    [Fact(Timeout = Timeout)]
    public async Task Made_up_tokens_neither_flood_the_API_server_nor_shut_Prometheus_out()
    {
        await using var scraped = await StartAsync();
        var before = scraped.GetAsync("good");
        await scraped.AdmitAsync();
        Assert.Equal(HttpStatusCode.OK, await CodeAsync(before));
        scraped.Time.Advance(ScrapeGuard.Lifetime);

        // More than there are places, and the API server lets all of them wait.
        var flood = Enumerable.Range(0, 20).Select(i => scraped.GetAsync($"made-up-{i}")).ToList();
        for (var i = 0; i < ScrapeGuard.MostQuestions; i++)
        {
            Assert.Contains("made-up", (await scraped.Api.NextAsync(TokenReviews)).Body);
        }

        var good = scraped.GetAsync("good");
        Assert.Contains("\"good\"", (await scraped.AdmitAsync()).Token);
        Assert.Equal(HttpStatusCode.OK, await CodeAsync(good));
        Assert.False(scraped.Api.HasMore);

        // Beyond its address's share nothing of it even waits: no time has to pass for that.
        while (
            flood.Count(request => request.IsCompleted) < flood.Count - ScrapeGuard.MostQuestions
        )
        {
            Stop.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        // And nobody waits for ever.
        while (!flood.TrueForAll(request => request.IsCompleted))
        {
            Stop.ThrowIfCancellationRequested();
            scraped.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        var codes = await Task.WhenAll(flood.Select(CodeAsync));
        Assert.Equal(
            ScrapeGuard.MostQuestions,
            codes.Count(code => code == HttpStatusCode.ServiceUnavailable)
        );
        Assert.Equal(
            flood.Count - ScrapeGuard.MostQuestions,
            codes.Count(code => code == HttpStatusCode.TooManyRequests)
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task A_client_that_does_not_shake_hands_is_left()
    {
        await using var scraped = await StartAsync();
        using var client = new TcpClient();
        await client.ConnectAsync(scraped.Address!, Stop);

        while (!client.Client.Poll(0, SelectMode.SelectRead))
        {
            Stop.ThrowIfCancellationRequested();
            scraped.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.Equal(0, client.Available);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_port_that_somebody_has_costs_the_scrapes_and_not_the_agent()
    {
        await using var first = await StartAsync();
        await using var second = await StartAsync(port: first.Address!.Port);

        Assert.Null(second.Address);
    }

    [Fact]
    public void Of_many_things_the_oldest_are_forgotten()
    {
        var memory = new ShortMemory<int>(2, TimeSpan.FromMinutes(1), TimeProvider.System);
        memory.Put("a", 1);
        memory.Put("b", 2);
        memory.Put("a", 1);
        memory.Put("c", 3);

        Assert.True(memory.TryGet("a", out _));
        Assert.False(memory.TryGet("b", out _) || memory.WasKnown("b"));
        Assert.True(memory.TryGet("c", out _));
    }

    [Theory]
    [InlineData("0.0.0.0:9478", "0.0.0.0:9478")]
    [InlineData("[::]:9478", "[::]:9478")]
    [InlineData("10.0.0.1:0", "10.0.0.1:0")]
    [InlineData("off", null)]
    public void Any_address_and_a_port_or_none_at_all(string text, string? expected) =>
        Assert.Equal(expected, EndpointOptions.ReadAnyAddress(text)?.ToString());

    [Theory]
    [InlineData("")]
    [InlineData("9478")]
    [InlineData("0.0.0.0")]
    [InlineData("[::]")]
    [InlineData("node:9478")]
    public void What_is_no_address_with_a_port_is_refused(string text) =>
        Assert.Throws<FormatException>(() => EndpointOptions.ReadAnyAddress(text));

    private static async Task<HttpStatusCode> CodeAsync(Task<HttpResponseMessage> answer)
    {
        using var response = await answer;
        return response.StatusCode;
    }

    private static async Task<string> ProblemAsync(HttpResponseMessage response)
    {
        Assert.Equal("application/problem+json", $"{response.Content.Headers.ContentType}");
        var problem = JsonNode.Parse(await response.Content.ReadAsStringAsync(Stop))!;
        Assert.Equal((int)response.StatusCode, (int)problem["status"]!);
        return (string)problem["detail"]!;
    }
}
