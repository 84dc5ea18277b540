using System.Text;
using CsCheck;
using PinAgent.Plan.Placement;
using Xunit;
using static PinAgent.Tests.Plan.Placement.PlanLineTests;

namespace PinAgent.Tests.Plan.Placement;

/// <summary>Requests that can't be understood: each is answered with one line that names the field.</summary>
public sealed class PlanLineErrorTests
{
    [Theory]
    [InlineData("null", "expected a JSON object")]
    [InlineData("7", "expected a JSON object")]
    [InlineData("[]", "expected a JSON object")]
    [InlineData("\"text\"", "expected a JSON object")]
    [InlineData("{", "expected a JSON object")]
    [InlineData("not json", "expected a JSON object")]
    [InlineData("{}{}", "expected a JSON object")]
    [InlineData("{}", "topology")]
    [InlineData("""{"topology":null}""", "topology")]
    [InlineData("""{"topology":{}}""", "topology.cpus")]
    [InlineData("""{"topology":{"cpus":null}}""", "topology.cpus")]
    [InlineData("""{"topology":{"cpus":[]}}""", "topology.cpus")]
    [InlineData("""{"topology":{"cpus":[null]}}""", "topology.cpus[0]")]
    [InlineData("""{"topology":{"cpus":{}}}""", "topology.cpus")]
    [InlineData("""{"topology":{"cpus":[{"core":0}]}}""", "topology.cpus[0]")]
    [InlineData("""{"topology":{"cpus":[{"id":0}]}}""", "topology.cpus[0]")]
    [InlineData("""{"topology":{"cpus":[{"id":-1,"core":0}]}}""", "topology.cpus[0]")]
    [InlineData("""{"topology":{"cpus":[{"id":70000,"core":0}]}}""", "topology.cpus[0]")]
    [InlineData("""{"topology":{"cpus":[{"id":99999999999,"core":0}]}}""", "topology.cpus[0].id")]
    [InlineData("""{"topology":{"cpus":[{"id":1.5,"core":0}]}}""", "topology.cpus[0].id")]
    [InlineData("""{"topology":{"cpus":[{"id":"1","core":0}]}}""", "topology.cpus[0].id")]
    [InlineData(
        """{"topology":{"cpus":[{"id":1,"core":0},{"id":1,"core":1}]}}""",
        "CPU 1 occurs twice"
    )]
    public void What_is_no_request_or_has_no_topology_is_invalid_input(
        string line,
        string expected
    ) => AssertInvalid(line, expected);

    [Theory]
    [InlineData("null", "cpuset")]
    [InlineData("7", "cpuset")]
    [InlineData("[0,1]", "cpuset")]
    [InlineData("\"0-\"", "cpuset")]
    [InlineData("\"3-1\"", "cpuset")]
    [InlineData("\"0-3:1/2\"", "cpuset")]
    [InlineData("\"-1\"", "cpuset")]
    [InlineData("\"70000\"", "cpuset")]
    [InlineData("\"0-99999999999\"", "cpuset")]
    [InlineData("\"0,,1\"", "cpuset")]
    [InlineData("\"all\"", "cpuset")]
    public void A_cpuset_that_is_no_list_of_CPUs_is_invalid_input(string cpuset, string expected) =>
        AssertInvalid(Line(cpuset: cpuset), expected);

    [Theory]
    [InlineData("null", "guest")]
    [InlineData("[]", "guest")]
    [InlineData("""{"sockets":0}""", "guest")]
    [InlineData("""{"cores":-2}""", "guest")]
    [InlineData("""{"threads":0}""", "guest")]
    [InlineData("""{"sockets":65537}""", "guest")]
    [InlineData("""{"sockets":60000,"cores":60000,"threads":60000}""", "guest")]
    [InlineData("""{"sockets":2147483647,"cores":2147483647,"threads":2}""", "guest")]
    [InlineData("""{"sockets":99999999999}""", "guest.sockets")]
    [InlineData("""{"sockets":"1"}""", "guest.sockets")]
    [InlineData("""{"isolateEmulatorThread":"yes"}""", "guest.isolateEmulatorThread")]
    [InlineData("""{"ioThreads":-1}""", "I/O threads")]
    [InlineData("""{"ioThreads":2147483647}""", "I/O threads")]
    [InlineData("""{"supplementalIoThreads":-1}""", "I/O threads")]
    [InlineData("""{"ioThreads":1,"supplementalIoThreads":1}""", "ioThreads")]
    public void A_guest_that_cannot_be_is_invalid_input(string guest, string expected) =>
        AssertInvalid(Line(guest: guest), expected);

    [Theory]
    [InlineData(
        ""","policy":"isolate" """,
        "policy: expected one of kubevirt, found \\\"isolate\\\""
    )]
    [InlineData(""","policy":"" """, "policy")]
    [InlineData(""","policy":7""", "policy")]
    [InlineData(""","emulatorCpuset":"x" """, "emulatorCpuset")]
    [InlineData(""","emulatorCpuset":"6" """, "emulatorCpuset")]
    [InlineData(""","current":7""", "current")]
    [InlineData(""","current":{"vcpus":"0"}""", "current.vcpus")]
    [InlineData(""","current":{"vcpus":["0","x"]}""", "current.vcpus[1]")]
    [InlineData(""","current":{"vcpus":[0]}""", "current.vcpus[0]")]
    [InlineData(
        ""","current":{"supplementalIoThreads":["x"]}""",
        "current.supplementalIoThreads[0]"
    )]
    [InlineData(""","current":{"emulator":"x"}""", "current.emulator")]
    public void An_optional_part_that_is_wrong_is_invalid_input(string more, string expected) =>
        AssertInvalid(Line(more: more), expected);

    [Theory]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(100_000)]
    public void Nesting_without_end_is_answered(int depth) =>
        AssertInvalid(
            Line(more: $""","x":{new string('[', depth)}{new string(']', depth)}"""),
            expected: "",
            mayBeFine: depth < 64
        );

    [Theory]
    [InlineData("{\"cpuset\":\"\u0001\"}")]
    [InlineData("{\"policy\":\"\\ud800\"}")]
    [InlineData("{\"policy\":\"\0\"}")]
    public void Text_that_is_no_text_is_answered(string line) => AssertInvalid(line, "");

    [Fact]
    public void Bytes_that_are_no_UTF8_are_answered()
    {
        byte[] line = [.. "{\"policy\":\""u8, 0xff, 0xc3, .. "\"}"u8];

        var answer = PlanLine.Answer(line, Placer.Default, out var ok);

        Assert.False(ok);
        Assert.Equal("InvalidInput", Parse(answer).GetProperty("reason").GetString());
    }

    [Fact]
    public void Any_bytes_at_all_get_one_answer() =>
        Gen.Byte.Array[0, 60].Sample(AssertOneAnswer, iter: 5_000);

    [Fact]
    public void Any_request_with_some_bytes_changed_gets_one_answer()
    {
        var valid = Encoding.UTF8.GetBytes(
            Line(
                guest: """{"threads":2,"isolateEmulatorThread":true,"ioThreads":1}""",
                more: ""","current":{"vcpus":["5",null],"emulator":"0"},"emulatorCpuset":"1","policy":"kubevirt" """
            )
        );
        var interesting = "0123456789-,{}[]\":.eE truefalsn\\u\0\u007f"u8.ToArray();
        Gen.Select(
                Gen.Int[0, valid.Length - 1],
                Gen.Int[0, interesting.Length - 1].Select(i => interesting[i]),
                Gen.Int[0, 2]
            )
            .Array[1, 4]
            .Sample(
                edits =>
                {
                    var line = valid.ToList();
                    foreach (var (place, value, kind) in edits)
                    {
                        var at = Math.Min(place, line.Count - 1);
                        switch (kind)
                        {
                            case 0:
                                line[at] = value;
                                break;
                            case 1:
                                line.Insert(at, value);
                                break;
                            default:
                                line.RemoveAt(at);
                                break;
                        }
                    }

                    AssertOneAnswer([.. line]);
                },
                iter: 10_000
            );
    }

    private static void AssertOneAnswer(byte[] line)
    {
        var answer = PlanLine.Answer(line, Placer.Default, out var ok);

        Assert.Equal(ok, Parse(answer).GetProperty("ok").GetBoolean());
        Assert.DoesNotContain('\n', answer);
    }

    private static void AssertInvalid(string line, string expected, bool mayBeFine = false)
    {
        var answer = Answer(line);
        if (mayBeFine && Parse(answer).GetProperty("ok").GetBoolean())
        {
            return;
        }

        Assert.Equal("InvalidInput", Parse(answer).GetProperty("reason").GetString());
        Assert.Contains(expected, answer, StringComparison.Ordinal);
        Assert.DoesNotContain("PinAgent.", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", answer, StringComparison.Ordinal);
    }
}
