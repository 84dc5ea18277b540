using System.Collections.Immutable;
using System.Text;
using PinAgent.Model;

namespace PinAgent.Observe.Kubelet;

/// <summary>
/// The messages of the kubelet's PodResources API, as far as they are about CPUs. Pure. Source: Kubernetes,
/// <c>staging/src/k8s.io/kubelet/pkg/apis/podresources/v1/api.proto</c>; field numbers are named here.
/// </summary>
internal static class PodResourcesMessage
{
    /// <summary>
    /// How many containers with CPUs are taken in. A kubelet has some hundred pods; a set of CPUs may take 8 KiB, and an
    /// answer that names one takes 7 bytes.
    /// </summary>
    public const int MostContainers = 4096;

    /// <summary><c>AllocatableResourcesResponse</c>: <c>cpu_ids = 2</c>.</summary>
    /// <exception cref="InvalidDataException">It isn't one.</exception>
    public static CpuSet ReadAllocatable(ReadOnlySpan<byte> message) => ReadCpus(message, field: 2);

    /// <summary>
    /// <c>ListPodResourcesResponse</c>: <c>pod_resources = 1</c>, of which <c>name = 1, namespace = 2, containers = 3</c>,
    /// of which <c>name = 1, cpu_ids = 3</c>.
    /// </summary>
    /// <exception cref="InvalidDataException">It isn't one.</exception>
    public static ImmutableDictionary<ContainerName, CpuSet> ReadList(ReadOnlySpan<byte> message)
    {
        var containers = ImmutableDictionary.CreateBuilder<ContainerName, CpuSet>();
        var withCpus = 0;
        var reader = new ProtobufReader(message);
        while (reader.MoveNext())
        {
            if (reader.Field == 1)
            {
                ReadPod(reader.Content, containers, ref withCpus);
            }
        }

        return containers.ToImmutable();
    }

    private static void ReadPod(
        ReadOnlySpan<byte> message,
        ImmutableDictionary<ContainerName, CpuSet>.Builder containers,
        ref int withCpus
    )
    {
        var (name, space) = (ReadText(message, field: 1), ReadText(message, field: 2));
        var reader = new ProtobufReader(message);
        while (reader.MoveNext())
        {
            if (reader.Field != 3)
            {
                continue;
            }

            var cpus = ReadCpus(reader.Content, field: 3);
            if (!cpus.IsEmpty && ++withCpus > MostContainers)
            {
                throw new InvalidDataException(
                    $"expected at most {MostContainers} containers with CPUs, found more"
                );
            }

            containers[new(space, name, ReadText(reader.Content, field: 1))] = cpus;
        }
    }

    private static string ReadText(ReadOnlySpan<byte> message, int field)
    {
        var text = "";
        var reader = new ProtobufReader(message);
        while (reader.MoveNext())
        {
            if (reader.Field == field)
            {
                text = Encoding.UTF8.GetString(reader.Content);
            }
        }

        return text;
    }

    // repeated int64: packed into one field, or a field each.
    private static CpuSet ReadCpus(ReadOnlySpan<byte> message, int field)
    {
        var ids = new List<int>();
        var reader = new ProtobufReader(message);
        while (reader.MoveNext())
        {
            if (reader.Field != field)
            {
                continue;
            }

            if (!reader.HasContent)
            {
                ids.Add(Id(reader.Number));
            }

            for (var packed = reader.Content; !packed.IsEmpty; )
            {
                ids.Add(Id(ProtobufReader.ReadVarint(ref packed)));
            }
        }

        return ids.Count == 0 ? CpuSet.Empty : CpuSet.Of(ids);
    }

    private static int Id(ulong id) =>
        id <= CpuSet.MaxId
            ? (int)id
            : throw new InvalidDataException(
                $"expected a CPU from 0 to {CpuSet.MaxId}, found {(long)id}"
            );
}
