using System.Text.RegularExpressions;
using PinAgent.Kubernetes.Objects;
using PinAgent.Plan.Rules;
using Xunit;

namespace PinAgent.Tests.Validate;

/// <summary>
/// The admission policy says what the validator says. What its expressions do to the shared table is the
/// admission-policy lane's matter: there is no CEL for .NET.
/// </summary>
public sealed partial class AdmissionPolicyTests
{
    private static readonly MapNode Policy = ReadYaml("policy.yaml");
    private static readonly MapNode Spec = Map(Policy, "spec");

    [Fact]
    public void It_has_one_validation_for_each_rule_in_the_tables_order()
    {
        var expected = DedicatedRules.Table.Select(rule => $"{rule.Field}: {rule.Reason}");

        Assert.Equal(
            expected,
            Maps(Spec, "validations")
                .Select(validation => MessageStart().Match(Text(validation, "messageExpression")))
                .Select(match => $"{match.Groups["field"]}: {match.Groups["reason"]}")
        );
    }

    [Fact]
    public void Every_variable_is_known_before_it_is_used_and_is_used()
    {
        var known = new HashSet<string>();
        var used = new HashSet<string>();
        foreach (var variable in Maps(Spec, "variables"))
        {
            CheckUses(Text(variable, "expression"));
            Assert.True(known.Add(Text(variable, "name")));
        }

        foreach (var validation in Maps(Spec, "validations"))
        {
            CheckUses(Text(validation, "expression"));
            CheckUses(Text(validation, "messageExpression"));
        }

        Assert.Equal(known.Order(), used.Order());

        void CheckUses(string expression)
        {
            foreach (Match match in VariableUse().Matches(expression))
            {
                Assert.Contains(match.Groups["name"].Value, known);
                used.Add(match.Groups["name"].Value);
            }
        }
    }

    [Fact]
    public void Every_expression_closes_what_it_opens()
    {
        var expressions = new[] { "matchConditions", "variables", "validations" }
            .SelectMany(list => Maps(Spec, list))
            .SelectMany(entry => entry.Values)
            .Where(pair => pair.Key is "expression" or "messageExpression")
            .Select(pair => ((ScalarNode)pair.Value).Text)
            .ToList();

        Assert.NotEmpty(expressions);
        Assert.All(
            expressions,
            text =>
            {
                Assert.Equal(0, text.Count(letter => letter == '\'') % 2);
                var code = QuotedText().Replace(text, "''");
                Assert.Equal(
                    code.Count(letter => letter == '('),
                    code.Count(letter => letter == ')')
                );
                Assert.Equal(
                    code.Count(letter => letter == '{'),
                    code.Count(letter => letter == '}')
                );
            }
        );
    }

    [Fact]
    public void Running_VMIs_are_left_to_KubeVirt()
    {
        var rules = Maps(Map(Spec, "matchConstraints"), "resourceRules")
            .ToDictionary(
                rule => string.Join(',', Texts(rule, "resources")),
                rule => string.Join(',', Texts(rule, "operations"))
            );

        Assert.Equal("CREATE", rules["virtualmachineinstances"]);
        Assert.Equal("CREATE,UPDATE", rules["virtualmachines"]);
        Assert.Equal("Fail", Text(Spec, "failurePolicy"));
    }

    [Fact]
    public void The_binding_binds_it()
    {
        var binding = ReadYaml("binding.yaml");

        Assert.Equal(Text(Policy, "apiVersion"), Text(binding, "apiVersion"));
        Assert.Equal("ValidatingAdmissionPolicyBinding", Text(binding, "kind"));
        Assert.Equal(
            Text(Map(Policy, "metadata"), "name"),
            Text(Map(binding, "spec"), "policyName")
        );
        Assert.Equal(["Deny"], Texts(Map(binding, "spec"), "validationActions"));
    }

    [Fact]
    public void The_README_has_a_row_for_each_rule()
    {
        var rows = RepositoryFiles
            .Text("deploy/admission/README.md")
            .Split('\n')
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .Select(cells => $"{cells[1]} {cells[3]} {cells[4]}");

        Assert.Equal(
            DedicatedRules.Table.Select(rule => $"`{rule.Id}` `{rule.Field}` {rule.Reason}"),
            rows
        );
    }

    private static MapNode ReadYaml(string file) =>
        (MapNode)Assert.Single(YamlReader.Read(RepositoryFiles.Text($"deploy/admission/{file}")));

    private static MapNode Map(MapNode map, string name) => (MapNode)map.Values[name];

    private static IEnumerable<MapNode> Maps(MapNode map, string name) =>
        ((ListNode)map.Values[name]).Values.Cast<MapNode>();

    private static string Text(MapNode map, string name) => ((ScalarNode)map.Values[name]).Text;

    private static IEnumerable<string> Texts(MapNode map, string name) =>
        ((ListNode)map.Values[name]).Values.Select(value => ((ScalarNode)value).Text);

    [GeneratedRegex(
        @"^variables\.path \+ '\.(?<field>[A-Za-z.]+): (?<reason>[A-Za-z]+): ",
        RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking
    )]
    private static partial Regex MessageStart();

    [GeneratedRegex(
        @"variables\.(?<name>\w+)",
        RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking
    )]
    private static partial Regex VariableUse();

    [GeneratedRegex("'[^']*'", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex QuotedText();
}
