using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;
using PinAgent.Report.Status;
using Xunit;
using static PinAgent.Tests.Report.Endpoint.ServedStatus;

namespace PinAgent.Tests.Report.Endpoint;

/// <summary>What the endpoint answers to a real HTTP client.</summary>
public sealed class EndpointTests
{
    private const int Timeout = Patience.Hang;
    private static readonly string[] Paths =
    [
        "/",
        "/page.css",
        "/page.js",
        "/page.svg",
        "/api/v1/status",
        "/api/v1/vms/host/vm1",
        "/api/v1/events",
        "/metrics",
        "/openapi.json",
        "/healthz",
        "/readyz",
    ];

    public static TheoryData<string> AllPaths => [.. Paths];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory(Timeout = Timeout)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_status_is_the_same_on_the_port_and_on_the_socket(bool isTcp)
    {
        await using var served = await StartAsync();
        var status = Node(3, Vm("vm1"));
        served.Store.Put(status);

        var json = await (isTcp ? served.Tcp : served.Unix).GetStringAsync("/api/v1/status", Stop);

        Assert.DoesNotContain('\n', json);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(status.ToJson()), JsonNode.Parse(json)));
    }

    [Fact(Timeout = Timeout)]
    public async Task The_page_names_the_node_and_its_VMs()
    {
        await using var served = await StartAsync();
        served.Store.Put(Node(0, Vm("vm1")));

        using var response = await served.Tcp.GetAsync("/", Stop);

        Assert.Equal("text/html; charset=utf-8", $"{response.Content.Headers.ContentType}");
        var page = await response.Content.ReadAsStringAsync(Stop);
        Assert.Contains("node-1", page);
        Assert.Contains("vm1", page);
    }

    [Theory(Timeout = Timeout)]
    [InlineData("/", 503)]
    [InlineData("/api/v1/status", 503)]
    [InlineData("/api/v1/vms/host/vm1", 503)]
    [InlineData("/metrics", 503)]
    [InlineData("/readyz", 503)]
    [InlineData("/healthz", 200)]
    [InlineData("/openapi.json", 200)]
    public async Task Before_the_first_pass_the_agent_is_alive_and_not_ready(
        string path,
        int status
    )
    {
        await using var served = await StartAsync();

        using var response = await served.Unix.GetAsync(path, Stop);

        Assert.Equal(status, (int)response.StatusCode);
        if (status == 503)
        {
            await AssertProblemAsync(response, 503);
        }
    }

    [Theory(Timeout = Timeout)]
    [InlineData(1, 10)]
    [InlineData(60, 180)]
    public async Task A_loop_that_makes_no_pass_for_too_long_is_not_alive(double period, int most)
    {
        var clock = new FakeTimeProvider();
        await using var served = await StartAsync(clock, period);
        served.Store.Put(Node());

        clock.Advance(TimeSpan.FromSeconds(most));
        Assert.Equal("ok\n", await served.Unix.GetStringAsync("/healthz", Stop));
        clock.Advance(TimeSpan.FromSeconds(1));
        using var late = await served.Unix.GetAsync("/healthz", Stop);
        await AssertProblemAsync(late, 503);

        // A pass that found everything as it was is a pass.
        served.Store.Put(Node());
        Assert.Equal("ok\n", await served.Unix.GetStringAsync("/healthz", Stop));
        Assert.Equal("ok\n", await served.Unix.GetStringAsync("/readyz", Stop));
    }

    [Theory(Timeout = Timeout)]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("PATCH")]
    [InlineData("OPTIONS")]
    [InlineData("TRACE")]
    public async Task Nothing_can_be_changed(string method)
    {
        await using var served = await StartAsync();
        served.Store.Put(Node());

        foreach (var path in Paths)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            using var response = await served.Unix.SendAsync(request, Stop);

            Assert.Equal(["GET", "HEAD"], response.Content.Headers.Allow);
            await AssertProblemAsync(response, 405);
        }
    }

    [Theory(Timeout = Timeout)]
    [MemberData(nameof(AllPaths))]
    public async Task HEAD_has_the_headers_of_GET_and_no_body(string path)
    {
        await using var served = await StartAsync();
        served.Store.Put(Node(0, Vm("vm1")));
        using var request = new HttpRequestMessage(HttpMethod.Head, path);

        using var head = await served.Tcp.SendAsync(request, Stop);
        using var get = await served.Tcp.GetAsync(
            path,
            HttpCompletionOption.ResponseHeadersRead,
            Stop
        );

        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.Equal(get.Content.Headers.ContentType, head.Content.Headers.ContentType);
        Assert.Equal(Length(get), Length(head));
        Assert.Empty(await head.Content.ReadAsByteArrayAsync(Stop));

        // The client knows what a stream of events comes to only when it has none.
        long? Length(HttpResponseMessage response) =>
            path == "/api/v1/events" ? null : response.Content.Headers.ContentLength;
    }

    [Theory(Timeout = Timeout)]
    [InlineData("localhost", 200)]
    [InlineData("LocalHost:1234", 200)]
    [InlineData("127.0.0.1:9477", 200)]
    [InlineData("127.0.0.1", 200)]
    [InlineData("[::1]:9477", 200)]
    [InlineData("evil.example", 421)]
    [InlineData("localhost.evil.example", 421)]
    [InlineData("127.0.0.1.evil.example:9477", 421)]
    [InlineData("10.0.0.1", 421)]
    [InlineData("0.0.0.0", 421)]
    public async Task Over_TCP_only_loopback_names_are_answered(string host, int status)
    {
        await using var served = await StartAsync();
        served.Store.Put(Node());
        foreach (var path in Paths.Except(["/api/v1/vms/host/vm1"]))
        {
            using var request = new HttpRequestMessage(HttpMethod.Head, path)
            {
                Headers = { Host = host },
            };
            using var response = await served.Tcp.SendAsync(request, Stop);

            Assert.Equal(status, (int)response.StatusCode);
        }
    }

    [Theory(Timeout = Timeout)]
    [MemberData(nameof(AllPaths))]
    [InlineData("/nothing")]
    public async Task Every_answer_tells_browsers_what_not_to_do(string path)
    {
        await using var served = await StartAsync();
        served.Store.Put(Node(0, Vm("vm1")));

        using var response = await served.Tcp.GetAsync(
            path,
            HttpCompletionOption.ResponseHeadersRead,
            Stop
        );

        var headers = response.Headers.ToDictionary(
            header => header.Key,
            header => string.Join(", ", header.Value)
        );
        Assert.Contains("default-src 'none';", headers["Content-Security-Policy"]);
        Assert.Contains("frame-ancestors 'none'", headers["Content-Security-Policy"]);
        Assert.Equal("nosniff", headers["X-Content-Type-Options"]);
        Assert.Equal("DENY", headers["X-Frame-Options"]);
        Assert.Equal("no-referrer", headers["Referrer-Policy"]);
        Assert.Equal("no-store", headers["Cache-Control"]);
        Assert.DoesNotContain("Server", headers.Keys);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_browser_that_has_the_page_gets_it_again_only_when_it_looks_otherwise()
    {
        await using var served = await StartAsync();
        served.Store.Put(Node(1));
        using var first = await served.Tcp.GetAsync("/", Stop);

        Assert.Equal((HttpStatusCode.NotModified, 0), await AskAsync($"{first.Headers.ETag}"));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync("\"x\"")).Status);

        served.Store.Put(Node(2));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync($"{first.Headers.ETag}")).Status);
        served.Store.Put(Node(1));
        Assert.Equal((HttpStatusCode.NotModified, 0), await AskAsync($"{first.Headers.ETag}"));

        async Task<(HttpStatusCode Status, int Length)> AskAsync(string tag)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/")
            {
                Headers = { { "If-None-Match", tag } },
            };
            using var answer = await served.Tcp.SendAsync(request, Stop);
            return (answer.StatusCode, (await answer.Content.ReadAsByteArrayAsync(Stop)).Length);
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task A_client_that_has_the_status_gets_it_again_only_after_a_change()
    {
        await using var served = await StartAsync();
        served.Store.Put(Node(1));
        using var first = await served.Tcp.GetAsync("/api/v1/status", Stop);

        served.Store.Put(Node(1));
        Assert.Equal(HttpStatusCode.NotModified, await AskAsync($"{first.Headers.ETag}"));
        Assert.Equal(HttpStatusCode.NotModified, await AskAsync($"\"x\", {first.Headers.ETag}"));
        Assert.Equal(HttpStatusCode.NotModified, await AskAsync("*"));
        Assert.Equal(HttpStatusCode.OK, await AskAsync("\"x\""));

        served.Store.Put(Node(2));
        Assert.Equal(HttpStatusCode.OK, await AskAsync($"{first.Headers.ETag}"));

        async Task<HttpStatusCode> AskAsync(string tags)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/status")
            {
                Headers = { { "If-None-Match", tags } },
            };
            using var response = await served.Tcp.SendAsync(request, Stop);
            return response.StatusCode;
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task A_VM_is_found_by_its_name_and_by_its_pid_where_several_have_the_name()
    {
        await using var served = await StartAsync();
        served.Store.Put(Node(0, Vm("vm1", 1), Vm("twin", 2), Vm("twin", 3), Vm("a/b c", 4)));

        Assert.Equal(1, await PidAsync("host/vm1"));
        Assert.Equal(1, await PidAsync("vm1"));
        Assert.Equal(1, await PidAsync("host_vm1"));
        Assert.Equal(3, await PidAsync("3"));
        Assert.Equal(3, await PidAsync("host/twin?pid=3"));
        Assert.Equal(4, await PidAsync("host/a/b%20c"));
        Assert.Equal(4, await PidAsync("host/a%2Fb%20c"));

        using var twins = await served.Tcp.GetAsync("/api/v1/vms/host/twin", Stop);
        Assert.Contains("2, 3", await AssertProblemAsync(twins, 409));
        foreach (var path in new[] { "host/vm2", "other/vm1", "vm", "", "host/twin?pid=1" })
        {
            using var missing = await served.Tcp.GetAsync($"/api/v1/vms/{path}", Stop);
            await AssertProblemAsync(missing, 404);
        }

        async Task<int> PidAsync(string path) =>
            (int)
                JsonNode.Parse(await served.Tcp.GetStringAsync($"/api/v1/vms/{path}", Stop))![
                    "pid"
                ]!;
    }

    [Fact(Timeout = Timeout)]
    public async Task Waits_are_read_for_who_asks_once_a_second_and_make_no_event()
    {
        var time = new FakeTimeProvider();
        var reads = 0;
        await using var served = await StartAsync(time, runDelay: tid => (ulong)(tid + reads++));
        served.Store.Put(Node(0, Vm("vm1")));
        using var changes = await FollowAsync(served.Tcp);
        Assert.Contains("\"runDelayNanoseconds\":null", await changes.ReadLineAsync(Stop));

        var first = await served.Tcp.GetStringAsync("/api/v1/status", Stop);
        var threads = reads;
        Assert.Contains("\"tid\":1000,", first);
        Assert.Contains("\"runDelayNanoseconds\":1000}", first);
        Assert.Equal(first, await served.Tcp.GetStringAsync("/api/v1/status", Stop));
        await served.Tcp.GetStringAsync("/api/v1/vms/host/vm1", Stop);
        Assert.Equal(threads, reads);

        // Not either where a guest changes its state again and again.
        served.Store.Put(Node(1, Vm("vm1")));
        Assert.NotEqual(first, await served.Tcp.GetStringAsync("/api/v1/status", Stop));
        Assert.Equal(threads, reads);

        time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotEqual(first, await served.Tcp.GetStringAsync("/api/v1/status", Stop));
        Assert.Equal(2 * threads, reads);
    }

    [Theory(Timeout = Timeout)]
    [InlineData("/nothing")]
    [InlineData("/api/v1/status/")]
    [InlineData("/api/v1")]
    [InlineData("/metrics/../secret")]
    public async Task What_is_not_there_is_a_problem_with_details(string path)
    {
        await using var served = await StartAsync();
        served.Store.Put(Node());

        using var response = await served.Tcp.GetAsync(path, Stop);

        await AssertProblemAsync(response, 404);
    }

    private static async Task<string> AssertProblemAsync(HttpResponseMessage response, int status)
    {
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = JsonSerializer.Deserialize(
            await response.Content.ReadAsStringAsync(Stop),
            ReportJson.Default.Problem
        )!;
        Assert.Equal(status, problem.Status);
        Assert.NotEmpty(problem.Title);
        return problem.Detail;
    }
}
