using System.IO.Compression;
using System.Text.Json;
using PinAgent.Model.Kubernetes;
using PinAgent.Observe.Vmi;
using PinAgent.Plan.Rules;
using PinAgent.Report.Rules;
using Xunit;

namespace PinAgent.Tests.Validate;

/// <summary>
/// What KubeVirt's own code said of 2,000 random VMIs (tests/fixtures/real): with dedicated CPUs, <c>validate</c> says the
/// same of each, verdict and causes.
/// </summary>
public sealed class RecordedAdmissionTests
{
    // The same want of memory, told by two of KubeVirt's functions, by the second of no field.
    private const string NoMemory = "spec.domain.resources.limits.memory: FieldValueInvalid";
    private const string NoMemoryOfNoField = ": FieldValueRequired";

    // KubeVirt's verdict and ours differ on none; who finds one that must, names it here with the reason.
    private static readonly Dictionary<string, string> Differences = [];

    private static readonly List<Recorded> All = [.. ReadAll()];

    [Fact]
    public void Every_VMI_with_dedicated_CPUs_gets_KubeVirts_verdict()
    {
        var dedicated = All.Where(one => one.Vmi.DedicatedCpuPlacement).ToList();

        Assert.Equal(2000, All.Count);
        Assert.Equal(1321, dedicated.Count);
        Assert.Equal(
            Differences.Keys.Order(),
            dedicated.Where(one => one.Verdict.Valid != one.IsAccepted).Select(one => one.Name)
        );
    }

    [Fact]
    public void Every_VMI_with_dedicated_CPUs_gets_KubeVirts_causes_once_its_defaults_are_in()
    {
        var dedicated = All.Where(one => one.Vmi.DedicatedCpuPlacement);

        Assert.All(
            dedicated,
            one =>
            {
                var causes = DedicatedRules
                    .Check(WithDefaults(one.Vmi), new RuleContext())
                    .Causes.Select(cause => $"{cause.Field}: {cause.Reason}");

                Assert.Equal(Distinct(one.Causes), Distinct(causes));
            }
        );
    }

    [Fact]
    public void No_other_VMI_is_refused_for_what_KubeVirt_accepts()
    {
        var others = All.Where(one => !one.Vmi.DedicatedCpuPlacement).ToList();

        Assert.DoesNotContain(others, one => one.IsAccepted && one.Verdict.Valid != true);

        // What KubeVirt alone refuses has nothing to do with CPUs.
        var left = others
            .Where(one => !one.IsAccepted && one.Verdict.Valid == true)
            .SelectMany(one => one.Causes);
        Assert.Equal(
            [NoMemoryOfNoField, "spec.domain.resources.requests.memory: FieldValueInvalid"],
            left.Distinct().Order(StringComparer.Ordinal)
        );
    }

    // What KubeVirt's webhook makes of a VMI before it judges (pkg/defaults): what the rules don't look through
    // themselves. A limit counts as the request too, so that a broken one is named twice.
    private static VmiSpec WithDefaults(VmiSpec vmi)
    {
        var limited = vmi with
        {
            CpuRequest =
                IsSet(vmi.CpuLimit) && !IsSet(vmi.CpuRequest) ? vmi.CpuLimit : vmi.CpuRequest,
        };
        return limited.HasTopology
            ? limited
            : limited with
            {
                Sockets = (uint)limited.DefaultedVcpus,
            };
    }

    private static bool IsSet(Quantity? quantity) => quantity is { Sign: not 0 };

    private static List<string> Distinct(IEnumerable<string> causes)
    {
        var distinct = causes.Distinct().Order(StringComparer.Ordinal).ToList();
        return distinct.Contains(NoMemory)
            ? [.. distinct.Where(cause => cause != NoMemoryOfNoField)]
            : distinct;
    }

    private static IEnumerable<Recorded> ReadAll()
    {
        using var file = File.OpenRead(
            RepositoryFiles.Path("tests/fixtures/real/admission.jsonl.gz")
        );
        using var lines = new StreamReader(new GZipStream(file, CompressionMode.Decompress));
        while (lines.ReadLine() is { } line)
        {
            using var json = JsonDocument.Parse(line);
            var document = Assert.Single(
                VmiReader.Read(json.RootElement.GetProperty("vmi").GetRawText(), "recorded")
            );
            yield return new(
                document.Name!,
                document.Vmi!,
                ValidateStatus.Of(document, new RuleContext()),
                json.RootElement.GetProperty("accepted").GetBoolean(),
                [
                    .. json
                        .RootElement.GetProperty("causes")
                        .EnumerateArray()
                        .Select(cause =>
                            $"{cause.GetProperty("field").GetString()}: {cause.GetProperty("reason").GetString()}"
                        ),
                ]
            );
        }
    }

    private sealed record Recorded(
        string Name,
        VmiSpec Vmi,
        ValidateStatus Verdict,
        bool IsAccepted,
        IReadOnlyList<string> Causes
    );
}
