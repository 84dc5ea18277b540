using CsCheck;
using Google.Protobuf;
using PinAgent.Model;
using PinAgent.Observe.Kubelet;
using PinAgent.Tests.Kubelet.V1;
using Xunit;
using PodResources = PinAgent.Tests.Kubelet.V1.PodResources;

namespace PinAgent.Tests.Kubelet;

/// <summary>The PodResources API's messages, written by Google's library and by nobody.</summary>
public sealed class PodResourcesMessageTests
{
    [Theory]
    [InlineData("", "")]
    // Packed, as proto3 writes them.
    [InlineData("12 03 02 AC 02", "2,300")]
    // A field each, as proto2 writes them, and both.
    [InlineData("10 02 10 AC 02", "2,300")]
    [InlineData("10 02 12 02 03 04", "2-4")]
    // Fields of the future, of every type: a number, 64 bits, bytes, 32 bits.
    [InlineData("78 01 79 01 02 03 04 05 06 07 08 7A 02 FF FF 7D 01 02 03 04 10 07", "7")]
    [InlineData("F8 FF FF FF 7F 01 10 07", "7")]
    [InlineData("12 00", "")]
    public void Numbers_are_read_however_they_are_packed(string hex, string cpus) =>
        Assert.Equal(cpus, PodResourcesMessage.ReadAllocatable(Bytes(hex)).ToString());

    [Theory]
    [InlineData("10")]
    [InlineData("10 80")]
    [InlineData("12 05 01")]
    [InlineData("12 01 80")]
    [InlineData("12 FF FF FF FF FF FF FF FF FF 01 01")]
    [InlineData("10 FF FF FF FF FF FF FF FF FF FF 01")]
    [InlineData("13")]
    [InlineData("16")]
    [InlineData("79 01")]
    [InlineData("7D 01")]
    [InlineData("10 80 80 04")]
    public void What_is_cut_short_or_impossible_is_refused(string hex) =>
        Assert.Throws<InvalidDataException>(() => PodResourcesMessage.ReadAllocatable(Bytes(hex)));

    [Fact]
    public void Any_bytes_are_a_message_or_refused() =>
        Gen
            .Byte.Array[0, 200]
            .Sample(bytes =>
            {
                try
                {
                    PodResourcesMessage.ReadList(bytes);
                    PodResourcesMessage.ReadAllocatable(bytes);
                }
                catch (InvalidDataException)
                {
                    // Refused.
                }
            });

    [Fact]
    public void What_Googles_library_writes_is_read() =>
        Gen.Select(Gen.String, Gen.String, Gen.String, Gen.Int[0, 2000].Array)
            .Array[0, 20]
            .Sample(pods =>
            {
                var list = new ListPodResourcesResponse();
                var expected = new Dictionary<ContainerName, CpuSet>();
                foreach (var (name, space, container, cpus) in pods)
                {
                    var pod = new PodResources { Name = Text(name), Namespace = Text(space) };
                    pod.Containers.Add(
                        new ContainerResources
                        {
                            Name = Text(container),
                            CpuIds = { cpus.Select(cpu => (long)cpu) },
                        }
                    );
                    list.PodResources.Add(pod);
                    expected[new(pod.Namespace, pod.Name, Text(container))] = CpuSet.Of(cpus);
                }

                var read = PodResourcesMessage.ReadList(list.ToByteArray());

                Assert.Equal(expected, read.ToDictionary());
            });

    // Half a surrogate pair can't be written.
    private static string Text(string text) =>
        System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(text));

    private static byte[] Bytes(string hex) =>
        Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
}
