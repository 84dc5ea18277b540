using PinAgent.Loop;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using Xunit;
using FakeKernel = PinAgent.Tests.Apply.FakeKernel;

namespace PinAgent.Tests.Loop;

/// <summary>The agent keeps its own threads off vCPUs' CPUs where others are left.</summary>
public sealed class OwnThreadsTests
{
    private static readonly CpuSet Online = CpuSet.Parse("0-7");

    private readonly FakeKernel _kernel = new();
    private readonly List<int> _tids = [];
    private readonly OwnThreads _own;

    public OwnThreadsTests()
    {
        Begin(10);
        Begin(11);
        _own = new OwnThreads(_kernel, CpuSet.Parse("0-7"), () => [.. _tids]);
    }

    [Theory]
    [InlineData("0-7", "2-3", "0-1,4-7")]
    [InlineData("0-3", "2-5", "0-1")]
    [InlineData("4-5", "0-3", "4-5")]
    [InlineData("0-3", "", "0-3")]
    // Nothing would be left, or only what is offline.
    [InlineData("2-3", "0-7", "2-3")]
    [InlineData("2-3,9", "2-3", "2-3,9")]
    public void It_takes_what_it_was_given_without_the_vCPUs_or_all_of_it(
        string atStart,
        string vcpus,
        string expected
    ) =>
        Assert.Equal(
            CpuSet.Parse(expected),
            OwnThreads.Choose(
                CpuSet.Parse(atStart),
                vcpus.Length == 0 ? CpuSet.Empty : CpuSet.Parse(vcpus),
                Online
            )
        );

    [Fact]
    public void Every_thread_makes_way_and_comes_back_when_the_VMs_are_gone()
    {
        _own.MakeWay(CpuSet.Parse("2-3"), Online);
        Assert.Equal(["10=0-1,4-7", "11=0-1,4-7"], _kernel.Written);

        _own.MakeWay(CpuSet.Empty, Online);
        Assert.Equal(["10=0-7", "11=0-7"], _kernel.Written[2..]);
    }

    [Fact]
    public void Who_sets_the_agents_mask_meanwhile_is_not_fought()
    {
        _own.MakeWay(CpuSet.Parse("2-3"), Online);
        _kernel[10].Cpus = CpuSet.Parse("2");

        for (var pass = 0; pass < 3; pass++)
        {
            _own.MakeWay(CpuSet.Parse("2-3"), Online);
        }

        Assert.Equal(2, _kernel.Written.Count);
        Assert.Equal(CpuSet.Parse("2"), _kernel[10].Cpus);
    }

    [Fact]
    public void Without_VMs_nothing_is_set()
    {
        _own.MakeWay(CpuSet.Empty, Online);

        Assert.Empty(_kernel.Written);
    }

    // One that hadn't made way yet began it, and it has that one's mask.
    [Fact]
    public void A_thread_that_is_begun_meanwhile_makes_way_too_and_one_that_ends_does_no_harm()
    {
        _kernel.AfterSet = tid =>
        {
            if (tid == 10)
            {
                _kernel.Remove(11);
                Begin(12);
            }
        };

        _own.MakeWay(CpuSet.Parse("0-3"), Online);

        Assert.Equal(["10=4-7", "11=4-7", "12=4-7"], _kernel.Written);
        Assert.Equal(CpuSet.Parse("4-7"), _kernel[12].Cpus);
    }

    [Fact]
    public void Where_the_kernel_does_not_tell_its_mask_nothing_is_set()
    {
        _kernel.Add(
            new VmThread
            {
                Tid = Environment.ProcessId,
                StartTime = 1,
                Comm = "pinagent",
                Role = ThreadRole.Helper,
            },
            Environment.ProcessId
        );
        _kernel[Environment.ProcessId].GetFails = Errno.EPERM;

        OwnThreads.OfThisProcess(_kernel).MakeWay(CpuSet.Parse("0"), Online);

        Assert.Empty(_kernel.Written);
    }

    private void Begin(int tid)
    {
        _tids.Add(tid);
        _kernel.Add(
            new VmThread
            {
                Tid = tid,
                StartTime = 1,
                Comm = "pinagent",
                Role = ThreadRole.Helper,
                Affinity = CpuSet.Parse("0-7"),
            },
            10
        );
    }
}
