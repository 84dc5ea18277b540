using System.Net;

namespace PinAgent.Report.Page;

/// <summary>The page that shows a node's status.</summary>
public static class PageRenderer
{
    /// <summary>The whole page as HTML.</summary>
    public static string Render(NodeStatus status) =>
        $"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><title>{WebUtility.HtmlEncode(
                status.Node
            )}</title>
            <link rel="stylesheet" href="/page.css"><script src="/page.js" defer></script></head>
            <body><main><pre>{WebUtility.HtmlEncode(status.ToJson())}</pre></main></body></html>
            """;
}
