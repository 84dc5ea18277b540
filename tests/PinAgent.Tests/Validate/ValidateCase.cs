using PinAgent.Kubernetes.Objects;
using Xunit;

namespace PinAgent.Tests.Validate;

/// <summary>One file of <c>tests/fixtures/validate</c>: an object, and what is to be said of it.</summary>
internal sealed record ValidateCase(
    string Name,
    string Text,
    bool? Valid,
    IReadOnlyList<string> Causes,
    IReadOnlyList<string> Warnings
)
{
    public static IReadOnlyList<ValidateCase> All { get; } =
    [
        .. Directory
            .EnumerateFiles(RepositoryFiles.Path("tests/fixtures/validate"), "*.yaml")
            .Order(StringComparer.Ordinal)
            .Select(Read),
    ];

    public static TheoryData<string> Names { get; } = [.. All.Select(one => one.Name)];

    public static ValidateCase Named(string name) => All.Single(one => one.Name == name);

    private static ValidateCase Read(string path)
    {
        var text = File.ReadAllText(path);
        var expectation = (MapNode)YamlReader.Read(text)[1];
        return new ValidateCase(
            Path.GetFileNameWithoutExtension(path),
            text,
            ((ScalarNode)expectation.Values["valid"]).Flag,
            [.. Items(expectation, "causes").Select(ToCause)],
            [.. Items(expectation, "warnings").Select(ToText)]
        );
    }

    private static IReadOnlyList<ObjectNode> Items(MapNode map, string name) =>
        map.Values.TryGetValue(name, out var value) ? ((ListNode)value).Values : [];

    private static string ToCause(ObjectNode node)
    {
        var cause = (MapNode)node;
        return $"{ToText(cause.Values["field"])}: {ToText(cause.Values["reason"])}";
    }

    private static string ToText(ObjectNode node) => ((ScalarNode)node).Text;
}
