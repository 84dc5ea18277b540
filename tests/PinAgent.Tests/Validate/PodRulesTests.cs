using PinAgent.Model.Kubernetes;
using PinAgent.Plan.Rules;
using Xunit;

namespace PinAgent.Tests.Validate;

public sealed class PodRulesTests
{
    [Fact]
    public void A_pod_is_guaranteed_if_all_its_containers_are() =>
        Assert.Empty(
            PodRules.FindQosBreaches([
                Container("compute", "2", "2000m", "1Gi", "1024Mi"),
                Container("volumecontainerdisk", "200m", "200m", "64M", "64M"),
                Container("container-disk-binary", "10m", "10m", "1M", "1M", isInit: true),
            ])
        );

    [Fact]
    public void A_request_left_out_is_the_limit() =>
        Assert.Empty(PodRules.FindQosBreaches([Container("compute", null, "2", null, "1Gi")]));

    [Theory]
    [InlineData("1", "2", "1Gi", "1Gi", "cpu")]
    [InlineData("2", null, "1Gi", "1Gi", "cpu")]
    [InlineData(null, null, "1Gi", "1Gi", "cpu")]
    [InlineData("0", "0", "1Gi", "1Gi", "cpu")]
    [InlineData("2", "2", "1G", "1Gi", "memory")]
    [InlineData("2", "2", "1Gi", null, "memory")]
    [InlineData("2", "2", null, null, "memory")]
    public void The_container_and_the_resource_that_break_it_are_named(
        string? cpuRequest,
        string? cpuLimit,
        string? memoryRequest,
        string? memoryLimit,
        string resource
    )
    {
        var breach = Assert.Single(
            PodRules.FindQosBreaches([
                Container("compute", "2", "2", "1Gi", "1Gi"),
                Container("hook-sidecar-0", cpuRequest, cpuLimit, memoryRequest, memoryLimit),
            ])
        );

        Assert.Equal("hook-sidecar-0", breach.Container);
        Assert.Equal(resource, breach.Resource);
        Assert.Contains($"container hook-sidecar-0: expected a {resource} request", breach.Message);
    }

    [Fact]
    public void Init_containers_break_it_too()
    {
        var breaches = PodRules.FindQosBreaches([
            Container("guest-console-log", null, null, null, null, isInit: true),
            Container("compute", "2", "2", "1Gi", "1Gi"),
        ]);

        Assert.Equal(["cpu", "memory"], breaches.Select(breach => breach.Resource));
        Assert.All(breaches, breach => Assert.StartsWith("init container guest-", breach.Message));
    }

    [Theory]
    [InlineData("4", 4, false, false, 0)]
    [InlineData("4000m", 4, false, false, 0)]
    [InlineData("5", 4, true, false, 0)]
    [InlineData("6", 4, true, true, 0)] // an even number: two for the emulator
    [InlineData("4", 3, true, true, 0)] // an odd one: one makes it even
    [InlineData("6", 3, true, true, 1)] // the I/O thread makes three into four
    [InlineData("7", 4, false, true, 3)]
    public void A_container_that_can_hold_all_threads_is_exclusive(
        string cpus,
        uint vcpus,
        bool isolate,
        bool evenParity,
        uint supplemental
    ) => Assert.Null(Check(cpus, vcpus, isolate, evenParity, supplemental));

    [Theory]
    [InlineData("4", 4, true, false, 0, 5)]
    [InlineData("5", 4, true, true, 0, 6)]
    [InlineData("4", 4, false, false, 1, 5)]
    [InlineData("5", 4, false, false, 0, 4)]
    [InlineData("3900m", 4, false, false, 0, 4)]
    [InlineData("0", 4, false, false, 0, 4)]
    [InlineData(null, 4, false, false, 0, 4)]
    public void Both_numbers_are_told_when_it_can_not(
        string? cpus,
        uint vcpus,
        bool isolate,
        bool evenParity,
        uint supplemental,
        int needed
    )
    {
        var breach = Check(cpus, vcpus, isolate, evenParity, supplemental);

        Assert.NotNull(breach);
        Assert.Equal(needed, breach.Needed);
        Assert.Contains($"expected {needed} whole ones", breach.Message);
        Assert.Contains(
            cpus is null or "0" ? "requests no CPUs" : $"requests {cpus} CPUs",
            breach.Message
        );
    }

    private static ExclusivityBreach? Check(
        string? cpus,
        uint vcpus,
        bool isolate,
        bool evenParity,
        uint supplemental
    ) =>
        PodRules.FindExclusivityBreach(
            Container("compute", cpus, cpus, "1Gi", "1Gi"),
            new VmiSpec
            {
                DedicatedCpuPlacement = true,
                Sockets = vcpus,
                IsolateEmulatorThread = isolate,
                EmulatorThreadCompleteToEvenParity = evenParity,
                IoThreadsPolicy = "supplementalPool",
                SupplementalPoolThreadCount = supplemental,
            },
            vcpus
        );

    private static PodContainer Container(
        string name,
        string? cpuRequest,
        string? cpuLimit,
        string? memoryRequest,
        string? memoryLimit,
        bool isInit = false
    ) =>
        new(name, isInit)
        {
            CpuRequest = Read(cpuRequest),
            CpuLimit = Read(cpuLimit),
            MemoryRequest = Read(memoryRequest),
            MemoryLimit = Read(memoryLimit),
        };

    private static Quantity? Read(string? text) => text is null ? null : Quantity.Parse(text);
}
