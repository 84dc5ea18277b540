using System.Text.Json.Nodes;
using CliWrap;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Page;

/// <summary>Debian's Chromium without a window, with one tab, used as a person would: pointer, keys, what is seen.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private readonly CancellationTokenSource _kill;
    private readonly string _profile;
    private readonly DevTools _tools;
    private readonly Task _run;
    private readonly string _session;

    private Browser(
        CancellationTokenSource kill,
        string profile,
        Task run,
        DevTools tools,
        string session
    ) => (_kill, _profile, _run, _tools, _session) = (kill, profile, run, tools, session);

    /// <summary>Complaints in the console: errors, exceptions, what the security policy forbade.</summary>
    public IReadOnlyList<string> Complaints =>
        [
            .. _tools
                .Events.Where(message =>
                    (string?)message["method"]
                        is "Log.entryAdded"
                            or "Runtime.exceptionThrown"
                            or "Runtime.consoleAPICalled"
                )
                .Select(message => message["params"]!.ToJsonString()),
        ];

    public static async Task<Browser> StartAsync()
    {
        Requires.Program("chromium");
        var stop = TestContext.Current.CancellationToken;
        var profile = Directory.CreateTempSubdirectory("pinagent-browser-").FullName;
        var kill = new CancellationTokenSource();
        var address = new TaskCompletionSource<Uri>(
            TaskCreationOptions.RunContinuationsAsynchronously
        );
        const string Listening = "DevTools listening on ";
        var run = Cli.Wrap("chromium")
            .WithArguments([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--remote-debugging-port=0",
                $"--user-data-dir={profile}",
                "about:blank",
            ])
            .WithEnvironmentVariables(variables => variables.Set("TZ", "UTC"))
            .WithValidation(CommandResultValidation.None)
            .WithStandardErrorPipe(
                PipeTarget.ToDelegate(line =>
                {
                    if (line.StartsWith(Listening, StringComparison.Ordinal))
                    {
                        address.TrySetResult(new Uri(line[Listening.Length..]));
                    }
                })
            )
            .ExecuteAsync(kill.Token)
            .Task;
        var tools = await DevTools.ConnectAsync(await address.Task.WaitAsync(stop), stop);
        var target = await tools.SendAsync(
            "Target.createTarget",
            new() { ["url"] = "about:blank" },
            null
        );
        var session = await tools.SendAsync(
            "Target.attachToTarget",
            new() { ["targetId"] = (string)target["targetId"]!, ["flatten"] = true },
            null
        );
        var browser = new Browser(kill, profile, run, tools, (string)session["sessionId"]!);
        foreach (var domain in new[] { "Page", "Runtime", "Log", "Accessibility" })
        {
            await browser.SendAsync($"{domain}.enable");
        }

        await browser.SendAsync("Page.setLifecycleEventsEnabled", new() { ["enabled"] = true });

        return browser;
    }

    /// <summary>Opens a page and waits until it's there, with its files.</summary>
    public async Task OpenAsync(Uri page)
    {
        var visit = await SendAsync("Page.navigate", new() { ["url"] = page.ToString() });
        var loader = (string)visit["loaderId"]!;
        await _tools.WaitAsync(message =>
            (string?)message["method"] == "Page.lifecycleEvent"
            && (string?)message["params"]!["loaderId"] == loader
            && (string?)message["params"]!["name"] == "load"
        );
    }

    /// <summary>A window of this width, in CSS pixels, on a light or a dark desktop.</summary>
    public async Task LookAsync(int width, string scheme = "light")
    {
        await SendAsync(
            "Emulation.setDeviceMetricsOverride",
            new()
            {
                ["width"] = width,
                ["height"] = 800,
                ["deviceScaleFactor"] = 1,
                ["mobile"] = width < 500,
            }
        );
        await SendAsync(
            "Emulation.setEmulatedMedia",
            new()
            {
                ["features"] = new JsonArray(
                    new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = scheme }
                ),
            }
        );
    }

    /// <summary>The zone of the reader's clock, by its name: <c>Asia/Kolkata</c>.</summary>
    public Task LiveInAsync(string zone) =>
        SendAsync("Emulation.setTimezoneOverride", new() { ["timezoneId"] = zone });

    /// <summary>Switches the page's own scripts off or on; those of the test still run.</summary>
    public Task AllowScriptsAsync(bool allow) =>
        SendAsync("Emulation.setScriptExecutionDisabled", new() { ["value"] = !allow });

    /// <summary>What an expression is worth, as text.</summary>
    public Task<string> ReadAsync(string expression) =>
        EvaluateAsync($"String({expression})", isPromise: false);

    /// <summary>Waits until an expression is true.</summary>
    public Task WaitAsync(string expression) =>
        EvaluateAsync(
            $$"""
            new Promise((done) => {
              const look = () => ({{expression}}) ? done('') : setTimeout(look, 10);
              look();
            })
            """,
            isPromise: true
        );

    /// <summary>Moves the pointer over the middle of an element.</summary>
    public async Task PointAsync(string selector)
    {
        var middle = await ReadAsync(
            $$"""
            (() => {
              const element = document.querySelector('{{selector}}');
              element.scrollIntoView({ block: 'center', behavior: 'instant' });
              const { left, top, width, height } = element.getBoundingClientRect();
              return `${left + width / 2} ${top + height / 2}`;
            })()
            """
        );
        var numbers = middle.Split(' ').Select(double.Parse).ToArray();
        await SendAsync(
            "Input.dispatchMouseEvent",
            new()
            {
                ["type"] = "mouseMoved",
                ["x"] = numbers[0],
                ["y"] = numbers[1],
            }
        );
    }

    /// <summary>Presses a key.</summary>
    /// <param name="key">As <c>KeyboardEvent.key</c> names it.</param>
    /// <param name="code">The key's Windows number, by which Chromium acts.</param>
    public async Task PressAsync(string key, int code)
    {
        foreach (var type in new[] { "keyDown", "keyUp" })
        {
            await SendAsync(
                "Input.dispatchKeyEvent",
                new()
                {
                    ["type"] = type,
                    ["key"] = key,
                    ["windowsVirtualKeyCode"] = code,
                    ["text"] = key == "Enter" && type == "keyDown" ? "\r" : "",
                }
            );
        }
    }

    /// <summary>What a screen reader is told: role and name of everything.</summary>
    public async Task<IReadOnlyList<(string Role, string Name)>> HearAsync()
    {
        var tree = await SendAsync("Accessibility.getFullAXTree");
        return
        [
            .. tree["nodes"]!
                .AsArray()
                .Where(node => node!["ignored"] is not { } ignored || !(bool)ignored)
                .Select(node =>
                    ((string?)node!["role"]?["value"] ?? "", (string?)node["name"]?["value"] ?? "")
                ),
        ];
    }

    public async ValueTask DisposeAsync()
    {
        await _tools.DisposeAsync();
        await _kill.CancelAsync();
        await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _kill.Dispose();
        Directory.Delete(_profile, recursive: true);
    }

    private async Task<string> EvaluateAsync(string expression, bool isPromise)
    {
        var answer = await SendAsync(
            "Runtime.evaluate",
            new() { ["expression"] = expression, ["awaitPromise"] = isPromise }
        );
        return answer["exceptionDetails"] is { } problem
            ? throw new InvalidOperationException($"{expression}: {problem.ToJsonString()}")
            : (string)answer["result"]!["value"]!;
    }

    private Task<JsonNode> SendAsync(string method, JsonObject? parameters = null) =>
        _tools.SendAsync(method, parameters, _session);
}
