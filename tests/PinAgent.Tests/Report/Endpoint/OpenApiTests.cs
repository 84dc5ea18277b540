using System.Text.Json;
using System.Text.Json.Nodes;
using PinAgent.Report.Endpoint;
using PinAgent.Report.Status;
using Xunit;

namespace PinAgent.Tests.Report.Endpoint;

/// <summary>The OpenAPI document: its paths are written by hand, its schemas follow from the code.</summary>
public sealed class OpenApiTests
{
    private const string Document = "../../agent/Report/Endpoint/openapi.json";

    private static readonly JsonSerializerOptions Format = new(ReportJsonContext.Readable.Options)
    {
        TypeInfoResolver = null,
    };

    [Fact]
    public void The_document_describes_every_field_with_the_codes_own_words()
    {
        var document = Read();
        var schemas = new OpenApiSchemas();
        schemas.Add(typeof(NodeStatus));
        schemas.Add(typeof(Problem));
        document["components"]!["schemas"] = schemas.ToJson();

        Golden.Check(Document, document.ToJsonString(Format));
    }

    [Fact]
    public void The_document_describes_every_path()
    {
        var store = new StatusStore(TimeProvider.System);
        var delays = new RunDelays(_ => null, TimeProvider.System);
        var served = new StatusRoutes(
            store,
            delays,
            TimeSpan.FromSeconds(1),
            new MetricsPage(store, delays, vmMetrics: false)
        ).Paths.Concat([StatusRoutes.Events, StatusRoutes.OneVm + "{namespace}/{name}"]);

        var described = Read()["paths"]!.AsObject().Select(path => path.Key);

        Assert.Equal(served.Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));
    }

    private static JsonNode Read() => JsonNode.Parse(File.ReadAllText(Fixtures.PathOf(Document)))!;
}
