using System.Text;
using PinAgent.Observe.Proc;
using Xunit;

namespace PinAgent.Tests.Observe.Proc;

/// <summary><c>/proc/&lt;pid&gt;/status</c>: ids in PID namespaces, and the CPUs allowed.</summary>
public sealed class ProcStatusTests
{
    private const string Real =
        "Name:\tqemu-system-x86\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t4711\nNgid:\t0\nPid:\t4711\n"
        + "PPid:\t4690\nTracerPid:\t0\nNStgid:\t4711\t77\nNSpid:\t4711\t77\nNSpgid:\t4690\t65\nThreads:\t9\n"
        + "Cpus_allowed:\tff\nCpus_allowed_list:\t2-3,6-7\nMems_allowed_list:\t0\n";

    [Theory]
    [InlineData(Real, new[] { 4711, 77 })]
    [InlineData("NSpid:\t1\n", new[] { 1 })]
    [InlineData("NSpid:\t90210\t4711\t77\n", new[] { 90210, 4711, 77 })]
    [InlineData("NSpid: 4711 77", new[] { 4711, 77 })]
    [InlineData("Name:\tNSpid: 6\nNSpid:\t5\n", new[] { 5 })]
    [InlineData("Name:\tx\\nNSpid:\\t6\nNSpid:\t5\n", new[] { 5 })]
    public void Reads_a_process_id_in_each_namespace(string status, int[] expected)
    {
        Assert.True(ProcStatus.TryParseNamespacePids(Bytes(status), out var pids));

        Assert.Equal(expected, pids);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Name:\tqemu\nPid:\t4711\n")]
    [InlineData("NSpid:\n")]
    [InlineData("NSpid:\t\t\n")]
    [InlineData("NSpid:\tseven\n")]
    [InlineData("NSpid:\t4711\tx\n")]
    [InlineData("NSpid:\t-1\n")]
    [InlineData("NSpid:\t99999999999\n")]
    [InlineData("xNSpid:\t4711\n")]
    public void Refuses_a_status_without_ids_in_namespaces(string status)
    {
        Assert.False(ProcStatus.TryParseNamespacePids(Bytes(status), out var pids));

        Assert.Empty(pids);
    }

    [Theory]
    [InlineData(Real, "2-3,6-7")]
    [InlineData("Cpus_allowed_list:\t0\n", "0")]
    [InlineData("Cpus_allowed_list:\t0-1535", "0-1535")]
    public void Reads_the_CPUs_a_thread_may_run_on(string status, string expected)
    {
        Assert.True(ProcStatus.TryParseAllowedCpus(Bytes(status), out var cpus));

        Assert.Equal(expected, cpus?.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("Name:\tCpus_allowed_list:\t1\n")]
    [InlineData("Cpus_allowed:\tff\n")]
    [InlineData("Cpus_allowed_list:\tff,ff\n")]
    [InlineData("Cpus_allowed_list:\t0-\n")]
    public void Refuses_a_status_without_a_list_of_CPUs(string status) =>
        Assert.False(ProcStatus.TryParseAllowedCpus(Bytes(status), out _));

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
