using System.Text.Json.Serialization;

namespace PinAgent.State;

/// <summary>The JSON of the files in the state folder.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    IgnoreReadOnlyProperties = true,
    Converters = [typeof(QuantityJson)]
)]
[JsonSerializable(typeof(RememberedFile))]
[JsonSerializable(typeof(ReleasedFile))]
[JsonSerializable(typeof(MasksFile))]
[JsonSerializable(typeof(ContestsFile))]
[JsonSerializable(typeof(CpusFile))]
internal sealed partial class StateJson : JsonSerializerContext;
