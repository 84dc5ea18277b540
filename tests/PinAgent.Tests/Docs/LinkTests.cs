using System.Text;
using System.Text.RegularExpressions;
using PinAgent.Tests.Validate;
using Xunit;

namespace PinAgent.Tests.Docs;

/// <summary>Every link between the repository's documents leads somewhere: to a file, and to a heading of it.</summary>
public sealed partial class LinkTests
{
    private static readonly string Root = RepositoryFiles.Path("");

    public static TheoryData<string> Documents =>
        [
            .. new[] { "agent", "deploy", "native-interop", "tests" }
                .SelectMany(folder =>
                    Directory.EnumerateFiles(
                        RepositoryFiles.Path(folder),
                        "*.md",
                        SearchOption.AllDirectories
                    )
                )
                .Concat(Directory.EnumerateFiles(Root, "*.md"))
                .Select(file => Path.GetRelativePath(Root, file))
                // What builds leave beside the sources.
                .Where(file => !file.Split('/').Any(part => part is "bin" or "obj" or "artifacts"))
                .Order(StringComparer.Ordinal),
        ];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_link_leads_somewhere(string document)
    {
        var dead = Targets(document)
            .Select(target => (Target: target, Problem: Problem(document, target)))
            .Where(link => link.Problem is not null)
            .Select(link => $"{document}: {link.Target}: {link.Problem}");

        Assert.Empty(dead);
    }

    [Fact]
    public void A_document_that_nothing_leads_to_is_read_by_nobody()
    {
        var found = new HashSet<string>(StringComparer.Ordinal) { "README.md" };
        var open = new Queue<string>(found);
        while (open.TryDequeue(out var document))
        {
            foreach (
                var target in Targets(document)
                    .Select(target => Resolve(document, target.Split('#')[0]))
                    .Where(target => target.EndsWith(".md", StringComparison.Ordinal))
            )
            {
                if (found.Add(target))
                {
                    open.Enqueue(target);
                }
            }
        }

        Assert.Empty(
            Directory
                .EnumerateFiles(RepositoryFiles.Path("deploy"), "*.md", SearchOption.AllDirectories)
                .Select(file => Path.GetRelativePath(Root, file))
                .Except(found, StringComparer.Ordinal)
        );
    }

    [Theory]
    [InlineData("## What isn't there yet", "what-isnt-there-yet")]
    [InlineData("# The `--events` option, or not", "the---events-option-or-not")]
    [InlineData("### [A link](x.md) in it", "a-link-in-it")]
    [InlineData("## 1. Look, then pin", "1-look-then-pin")]
    public void An_anchor_is_made_of_a_heading_as_GitHub_does(string heading, string anchor) =>
        Assert.Equal([anchor], Anchors(heading));

    private static string? Problem(string document, string target)
    {
        var parts = target.Split('#', 2);
        var file = parts[0].Length == 0 ? document : Resolve(document, parts[0]);
        var path = RepositoryFiles.Path(file);
        if (!Path.Exists(path))
        {
            return "no such file";
        }

        if (parts.Length == 1)
        {
            return null;
        }

        return !file.EndsWith(".md", StringComparison.Ordinal) ? "an anchor in what is no document"
            : Anchors(File.ReadAllText(path)).Contains(parts[1]) ? null
            : "no such heading";
    }

    private static string Resolve(string document, string target) =>
        Path.GetRelativePath(
            Root,
            Path.GetFullPath(Path.Combine(Root, Path.GetDirectoryName(document)!, target))
        );

    // Links to other places are those of whoever runs them.
    private static IEnumerable<string> Targets(string document) =>
        Link()
            .Matches(WithoutCode(RepositoryFiles.Text(document)))
            .Select(link => link.Groups["target"].Value)
            .Where(target => !target.Contains("://", StringComparison.Ordinal));

    private static HashSet<string> Anchors(string text)
    {
        var anchors = new HashSet<string>(StringComparer.Ordinal);
        foreach (
            var heading in Heading()
                .Matches(Fence().Replace(text, ""))
                .Select(one => one.Groups["text"].Value)
        )
        {
            var anchor = new StringBuilder();
            foreach (
                var letter in Link()
                    .Replace(heading, "[")
                    .Replace("[", "", StringComparison.Ordinal)
            )
            {
                anchor.Append(
                    letter == ' ' ? "-"
                    : char.IsLetterOrDigit(letter) || letter is '-' or '_'
                        ? $"{char.ToLowerInvariant(letter)}"
                    : ""
                );
            }

            // The second of a name has a number.
            var (name, count) = (anchor.ToString(), 1);
            for (var next = name; !anchors.Add(next); count++)
            {
                next = $"{name}-{count}";
            }
        }

        return anchors;
    }

    private static string WithoutCode(string text) => Code().Replace(Fence().Replace(text, ""), "");

    [GeneratedRegex(
        @"^```.*?^```",
        RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.NonBacktracking
    )]
    private static partial Regex Fence();

    [GeneratedRegex("`[^`\n]+`", RegexOptions.NonBacktracking)]
    private static partial Regex Code();

    [GeneratedRegex(
        @"\]\((?<target>[^)\s]+)\)",
        RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking
    )]
    private static partial Regex Link();

    [GeneratedRegex(
        @"^#+ (?<text>.+)$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking
    )]
    private static partial Regex Heading();
}
