using System.Globalization;
using System.Text;
using PinAgent.Kubernetes.Client;
using PinAgent.Model.Kubernetes;
using PinAgent.Observe.Cluster;
using PinAgent.Plan.Dedication;
using Xunit;

namespace PinAgent.Tests.Plan.Capacity;

/// <summary>What a pod takes of its node, as the scheduler counts.</summary>
public sealed class PodRequestsTests
{
    // In the pod's order: i an init container, s one that goes on running, c any other.
    [Theory]
    [InlineData("", 0)]
    [InlineData("c100 c200", 300)]
    [InlineData("i500 c100 c200", 500)]
    [InlineData("i500 i400 c600", 600)]
    [InlineData("s50 c100", 150)]
    [InlineData("s50 s60 c100", 210)]
    [InlineData("s50 i500 c100", 550)]
    [InlineData("i500 s50 c100", 500)]
    [InlineData("s50 i500 s70 i490 c100", 610)]
    [InlineData("s50 i100 s70 c300", 420)]
    public void Init_containers_come_one_after_the_other_and_sidecars_stay(
        string pod,
        int expected
    ) =>
        Assert.Equal(
            expected,
            PodRequests.Of(
                pod.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                    .Select(text => new PodContainer(text, text[0] != 'c')
                    {
                        IsSidecar = text[0] == 's',
                    }),
                container => int.Parse(container.Name[1..], CultureInfo.InvariantCulture)
            )
        );

    [Fact]
    public void A_container_that_requests_nothing_takes_nothing() =>
        Assert.Equal(0, PodRequests.Of([new("a"), new("b", IsInit: true)], _ => null));

    [Fact]
    public void The_API_tells_which_init_containers_stay_and_the_pods_overhead()
    {
        var pod = ApiReader.Pod(
            new ApiMetadata
            {
                Uid = "u",
                Namespace = "default",
                Name = "pod",
            },
            Encoding.UTF8.GetBytes(
                """
                {"metadata":{"uid":"u","name":"pod"},"spec":{
                  "overhead":{"cpu":"250m","memory":"120Mi"},
                  "initContainers":[{"name":"stays","restartPolicy":"Always"},{"name":"ends"}],
                  "containers":[{"name":"app"}]}}
                """
            )
        );

        Assert.Equal(
            [("stays", true), ("ends", false), ("app", false)],
            pod.Containers.Select(container => (container.Name, container.IsSidecar))
        );
        Assert.Equal(
            (Quantity.Parse("250m"), Quantity.Parse("120Mi")),
            (pod.CpuOverhead, pod.MemoryOverhead)
        );
    }
}
