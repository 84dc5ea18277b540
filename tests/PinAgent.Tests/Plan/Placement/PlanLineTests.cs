using System.Text;
using System.Text.Json;
using PinAgent.Plan.Placement;
using Xunit;

namespace PinAgent.Tests.Plan.Placement;

/// <summary>The JSON of <c>pinagent plan</c>: other programs read it, so every byte counts.</summary>
public sealed class PlanLineTests
{
    internal const string Topology =
        """{"cpus":[{"id":0,"socket":0,"numa":0,"core":0,"l3":0},{"id":1,"socket":0,"numa":0,"core":1,"l3":0},{"id":4,"socket":0,"numa":0,"core":0,"l3":0},{"id":5,"socket":0,"numa":0,"core":1,"l3":0}]}""";

    internal const string Valid =
        $$"""{"topology":{{Topology}},"cpuset":"0-1,4-5","guest":{"sockets":1,"cores":2,"threads":2,"isolateEmulatorThread":false,"emulatorThreadCompleteToEvenParity":false,"numaPassthrough":false,"ioThreads":0,"supplementalIoThreads":0},"policy":"kubevirt"}""";

    internal const string ValidAnswer =
        """{"ok":true,"vcpus":["0","4","1","5"],"emulator":"0-1,4-5","ioThreads":[],"supplementalIoThreads":[],"unused":""}""";

    [Fact]
    public void The_specifications_example_is_answered_to_the_letter() =>
        Assert.Equal(ValidAnswer, Answer(Valid));

    [Theory]
    [InlineData(
        """{"sockets":2,"ioThreads":2}""",
        """{"ok":true,"vcpus":["0","4"],"emulator":"0-1,4-5","ioThreads":["1","0"],"supplementalIoThreads":[],"unused":"1,5"}"""
    )]
    [InlineData(
        """{"sockets":1,"supplementalIoThreads":1,"isolateEmulatorThread":true,"emulatorThreadCompleteToEvenParity":true}""",
        """{"ok":true,"vcpus":["0"],"emulator":"1,5","ioThreads":[],"supplementalIoThreads":["4"],"unused":""}"""
    )]
    [InlineData(
        """{"sockets":1,"ioThreads":2,"isolateEmulatorThread":true}""",
        """{"ok":true,"vcpus":["0"],"emulator":"4","ioThreads":["4","4"],"supplementalIoThreads":[],"unused":"1,5"}"""
    )]
    public void A_placement_has_a_list_per_thread_and_the_unused_CPUs(
        string guest,
        string expected
    ) => Assert.Equal(expected, Answer(Line(guest: guest)));

    [Fact]
    public void A_refusal_has_a_reason_a_sentence_and_two_numbers_in_that_order() =>
        Assert.Equal(
            """{"ok":false,"reason":"NotEnoughCpus","message":"not enough exclusive CPUs: 8 vCPUs and 4 CPUs in the cpuset; the VM needs 8: give its container as many, or the guest fewer vCPUs","needed":8,"available":4}""",
            Answer(Line(guest: """{"sockets":8}"""))
        );

    [Fact]
    public void What_is_left_out_has_its_default() =>
        Assert.Equal(
            """{"ok":true,"vcpus":["3"],"emulator":"3","ioThreads":[],"supplementalIoThreads":[],"unused":""}""",
            Answer("""{"topology":{"cpus":[{"id":3,"core":0}]},"cpuset":"3","guest":{}}""")
        );

    [Theory]
    [InlineData("""{"vcpus":["5",null],"emulator":"0"}""", """["5","4"]""", "0")]
    [InlineData("""{"vcpus":["5","5"]}""", """["5","1"]""", "0")]
    [InlineData("""{"vcpus":[" 5\n"]}""", """["5","1"]""", "0")]
    [InlineData(
        """{"vcpus":null,"supplementalIoThreads":null,"emulator":null}""",
        """["0","4"]""",
        "1"
    )]
    [InlineData("{}", """["0","4"]""", "1")]
    [InlineData("null", """["0","4"]""", "1")]
    public void Where_threads_are_now_may_be_told_in_part(
        string current,
        string vcpus,
        string emulator
    )
    {
        var answer = Parse(
            Answer(
                Line(
                    guest: """{"threads":2,"isolateEmulatorThread":true}""",
                    more: $""","current":{current}"""
                )
            )
        );

        Assert.Equal(vcpus, answer.GetProperty("vcpus").GetRawText());
        Assert.Equal(emulator, answer.GetProperty("emulator").GetString());
    }

    [Fact]
    public void The_emulators_housekeeping_CPUs_are_a_list_of_the_kernels_format()
    {
        var answer = Parse(Answer(Line(more: ""","emulatorCpuset":"4-5" """)));

        Assert.Equal("4-5", answer.GetProperty("emulator").GetString());
        Assert.Equal("1", answer.GetProperty("unused").GetString());
    }

    [Fact]
    public void A_machine_with_more_than_a_thousand_CPUs_is_a_machine()
    {
        var cpus = string.Join(
            ',',
            Enumerable
                .Range(0, 1536)
                .Select(id => $$"""{"id":{{id}},"numa":{{id / 96}},"core":{{id / 2}},"l3":0}""")
        );
        var answer = Parse(
            Answer(
                $$"""{"topology":{"cpus":[{{cpus}}]},"cpuset":"1024-1535","guest":{"sockets":2,"cores":128,"threads":2} }"""
            )
        );

        Assert.Equal(512, answer.GetProperty("vcpus").GetArrayLength());
        Assert.Equal("1024", answer.GetProperty("vcpus")[0].GetString());
    }

    [Fact]
    public void Members_nobody_knows_are_passed_over_so_that_topology_output_can_be_used() =>
        Assert.Equal(
            ValidAnswer,
            Answer(
                Valid.Replace(
                    "\"cpuset\"",
                    """
                    "online":"0-1,4-5","comment":{"a":[1,2]},"cpuset"
                    """
                )
            )
        );

    internal static string Line(
        string topology = Topology,
        string cpuset = "\"0-1,4-5\"",
        string guest = """{"sockets":1}""",
        string more = ""
    ) => $$"""{"topology":{{topology}},"cpuset":{{cpuset}},"guest":{{guest}}{{more}}}""";

    internal static string Answer(string line)
    {
        var answer = PlanLine.Answer(Encoding.UTF8.GetBytes(line), Placer.Default, out var ok);
        Assert.Equal(ok, answer.StartsWith("""{"ok":true,""", StringComparison.Ordinal));
        Assert.DoesNotContain('\n', answer);
        return answer;
    }

    internal static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement;
}
