using System.Text;
using PinAgent.Model.Cpu;
using PinAgent.Observe.Kubelet;
using Xunit;

namespace PinAgent.Tests.Observe.Kubelet;

/// <summary>The kubelet's <c>cpu_manager_state</c>, in every format it has had, and damaged.</summary>
public sealed class CpuManagerStateFileTests
{
    private const string TwoPods =
        "719ad0b4-14a8-4eb2-8d64-85ab69676e33/compute=2-5 910858fb-cbb6-4d29-a44b-61d19f5bf703/compute=8-13";

    [Theory]
    [InlineData("cpu_manager_state_none", "none", "", "")]
    [InlineData("cpu_manager_state_static", "static", "0-5", "")]
    [InlineData("cpu_manager_state.none.json", "none", "", "")]
    [InlineData(
        "cpu_manager_state.static-1pod-2cpu.json",
        "static",
        "0",
        "541081ef-fe30-4353-a784-1bc4e9337f97/compute=1"
    )]
    [InlineData("cpu_manager_state.static-2pods-16cpu.json", "static", "0-1,6-7,14-15", TwoPods)]
    [InlineData("cpu_manager_state.static-3pods-16cpu.json", "static", "0-1,6-7,14-15", TwoPods)]
    public void Reads_what_kubelets_have_written(
        string file,
        string policy,
        string pool,
        string entries
    ) => Check(Read(file), policy, pool, entries);

    [Theory]
    [InlineData("""{"policyName":"static","defaultCpuSet":"0-1"}""", "static", "0-1", "")]
    [InlineData("""{"policyName":"static"}""", "static", "", "")]
    [InlineData(
        """{"policyName":"static","defaultCpuSet":"0-1","entries":{"5d1e3c4b":"2-3","8f0a":"4"},"checksum":1}""",
        "static",
        "0-1",
        "/5d1e3c4b=2-3 /8f0a=4"
    )]
    [InlineData(
        """{"policyName":"static","defaultCpuSet":"0","entries":{"uid":{"a":"1","b":"2-3"},"other":{}}}""",
        "static",
        "0",
        "uid/a=1 uid/b=2-3"
    )]
    [InlineData(
        """{"policyName":"static","defaultCpuSet":"0","entries":{"uid":{"a":"1"},"5d1e":"2"}}""",
        "static",
        "0",
        "uid/a=1 /5d1e=2"
    )]
    [InlineData(
        """{"policyName":"static","defaultCpuSet":"0","entries":{"u":{"a":"1"}},"podEntries":{"u":{"cpuSet":"1-3"}}}""",
        "static",
        "0",
        "u/a=1 u/=1-3"
    )]
    [InlineData(
        """{"policyName":"static","podEntries":{"u":"1-3","v":null,"w":{"n":1}}}""",
        "static",
        "",
        "u/=1-3"
    )]
    [InlineData(
        """{"policyName":"static","podEntries":{"u":{"scope":"pod","cpuSet":"1"},"v":"x"}}""",
        "static",
        "",
        "u/=1"
    )]
    // Version 4: data counts, whatever is outside for older kubelets.
    [InlineData(
        """{"policyName":"none","data":"{\"policyName\":\"static\",\"defaultCpuSet\":\"0\",\"entries\":{\"u\":{\"a\":\"1\"}}}"}""",
        "static",
        "0",
        "u/a=1"
    )]
    [InlineData(
        """{"data":"{\"policyName\":\"static\",\"podEntries\":{\"u\":{\"cpuSet\":\"1\"}}}","dataChecksum":7}""",
        "static",
        "",
        "u/=1"
    )]
    [InlineData("""{"policyName":"none","data":"","dataChecksum":0}""", "none", "", "")]
    [InlineData("""{"policyName":"none","entries":null,"podEntries":null}""", "none", "", "")]
    [InlineData(
        """{"policyName":"static","entries":{"uid":null},"new":[1,{"x":2}]}""",
        "static",
        "",
        ""
    )]
    [InlineData("""  { "policyName" : "later" , "checksum" : "abc" }  """, "later", "", "")]
    public void Reads_every_format(string json, string policy, string pool, string entries) =>
        Check(Encoding.UTF8.GetBytes(json), policy, pool, entries);

    [Theory]
    [InlineData("", "expected JSON")]
    [InlineData("   \n", "expected JSON")]
    [InlineData("\0\0\0\0\0\0\0\0", "expected JSON")]
    [InlineData("policyName: static", "expected JSON")]
    [InlineData("""{"policyName":"static",}""", "expected JSON")]
    [InlineData("""{"policyName":"static"}{"policyName":"none"}""", "expected JSON")]
    [InlineData("""{"policyName":"none","checksum":1}90}""", "expected JSON")]
    [InlineData("[]", "expected a JSON object, found Array")]
    [InlineData("null", "expected a JSON object, found Null")]
    [InlineData("\"static\"", "expected a JSON object, found String")]
    [InlineData("{}", "policyName: expected static or none")]
    [InlineData("""{"policyName":""}""", "policyName: expected static or none")]
    [InlineData("""{"policyName":null}""", "policyName: expected static or none")]
    [InlineData("""{"policyName":1}""", "policyName: expected static or none")]
    [InlineData("""{"policyName":"static","defaultCpuSet":3}""", "defaultCpuSet: expected a list")]
    [InlineData("""{"policyName":"static","defaultCpuSet":null}""", "defaultCpuSet: expected a")]
    [InlineData(
        """{"policyName":"static","defaultCpuSet":"x"}""",
        "defaultCpuSet: expected a list"
    )]
    [InlineData("""{"policyName":"static","entries":[]}""", "entries: expected an object")]
    [InlineData("""{"policyName":"static","entries":{"u":7}}""", "u: expected an object")]
    [InlineData("""{"policyName":"static","entries":{"u":"all"}}""", "entries.u: expected a list")]
    [InlineData("""{"policyName":"static","entries":{"u":{"c":[2]}}}""", "entries.u.c: expected a")]
    [InlineData("""{"policyName":"static","entries":{"u":{"c":"3-1"}}}""", "entries.u.c: expected")]
    [InlineData("""{"policyName":"static","podEntries":7}""", "podEntries: expected an object")]
    [InlineData("""{"policyName":"static","data":"{"}""", "expected JSON")]
    [InlineData("""{"policyName":"static","data":"[]"}""", "data: expected a JSON object, found")]
    [InlineData("""{"policyName":"static","data":"{}"}""", "policyName: expected static or none")]
    public void Says_what_is_wrong_with_a_file_that_isnt_one(string json, string expected)
    {
        Assert.False(
            CpuManagerStateFile.TryParse(Encoding.UTF8.GetBytes(json), out var found, out var error)
        );

        Assert.Null(found);
        Assert.StartsWith(expected, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"policyName\":\"sta\xff\"}")]
    [InlineData("{\"policyName\":\"static\",\"defaultCpuSet\":\"\xfe\"}")]
    [InlineData("{\"policyName\":\"static\",\"entries\":{\"\xff\":\"1\"}}")]
    [InlineData("{\"policyName\":\"static\",\"entries\":{\"u\":{\"\xff\":\"1\"}}}")]
    [InlineData("{\"policyName\":\"static\",\"defaultCpuSet\":\"\\ud800\"}")]
    [InlineData("{\"policyName\":\"\\udc00\"}")]
    public void Refuses_bytes_and_escapes_that_arent_text(string latin1) =>
        Assert.False(
            CpuManagerStateFile.TryParse(Encoding.Latin1.GetBytes(latin1), out _, out var error),
            error
        );

    [Fact]
    public void Never_throws_at_a_file_cut_short_or_overwritten_anywhere()
    {
        foreach (var file in Directory.EnumerateFiles(Fixtures.PathOf("checkpoints"), "cpu_*"))
        {
            var whole = File.ReadAllBytes(file);
            for (var length = 0; length <= whole.Length; length++)
            {
                ParsesOrExplains(whole[..length]);
                ParsesOrExplains([.. whole[..length], .. new byte[whole.Length - length]]);
                ParsesOrExplains([.. whole[..length], .. whole]);
                foreach (var garbage in "\0\"{}[,:9\\\xff"u8)
                {
                    byte[] changed = [.. whole];
                    changed[Math.Min(length, whole.Length - 1)] = garbage;
                    ParsesOrExplains(changed);
                }
            }
        }

        static void ParsesOrExplains(byte[] json)
        {
            var parsed = CpuManagerStateFile.TryParse(json, out var checkpoint, out var error);
            Assert.Equal(parsed, checkpoint is not null);
            Assert.Equal(parsed, error is null);
        }
    }

    [Fact]
    public void Version_4_has_the_CPUs_of_a_whole_pod_in_its_data() =>
        Check(
            File.ReadAllBytes(Fixtures.PathOf("cases/checkpoints/v4-embedding-v2.json")),
            "static",
            "0-1,10-15",
            "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee/compute=2-5 bbbbbbbb-bbbb-cccc-dddd-eeeeeeeeeeee/=6-9"
        );

    private static void Check(byte[] json, string policy, string pool, string entries)
    {
        Assert.True(CpuManagerStateFile.TryParse(json, out var checkpoint, out var error), error);

        Assert.Equal(policy, checkpoint.PolicyName);
        Assert.Equal(policy == "static", checkpoint.IsStatic);
        Assert.Equal(CpuSet.Parse(pool), checkpoint.SharedPool);
        Assert.Equal(
            entries,
            string.Join(
                ' ',
                checkpoint.Entries.Select(entry => $"{entry.PodUid}/{entry.Container}={entry.Cpus}")
            )
        );
    }

    private static byte[] Read(string file) =>
        File.ReadAllBytes(Fixtures.PathOf($"checkpoints/{file}"));
}
