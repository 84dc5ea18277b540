using PinAgent.Model.Vm;
using Xunit;

namespace PinAgent.Tests.Plan.Birth;

/// <summary>
/// Guests of every kind as KubeVirt starts them, and the agent beginning to look at every moment: QEMU's threads are born where
/// libvirt starts it, libvirt sets their masks one by one, and virt-handler moves all but the vCPUs into <c>housekeeping</c>.
/// </summary>
public sealed class BirthTests
{
    private const int IoThread = BornGuest.Pid + 10;
    private const int Vcpu = BornGuest.Pid + 20;
    private const int Pit = 5000;
    private const string AllCpus = "0-15";

    public static TheoryData<Birth> Births =>
        [
            .. from vcpus in new[] { 1, 2, 4, 8 }
            from ioThreads in new[] { 0, 1, 2 }
            from emulator in new[] { 0, 1, 2 }
            from hasVmi in new[] { true, false }
            // Even parity gives an odd number of vCPUs none.
            where emulator < 2 || vcpus % 2 == 0
            from housekeeping in emulator == 0
                ? [Housekeeping.Never]
                : Enum.GetValues<Housekeeping>()
            select new Birth(vcpus, ioThreads, emulator, hasVmi, housekeeping),
        ];

    [Theory]
    [MemberData(nameof(Births))]
    public void Agent_and_manager_agree_whenever_the_agent_begins(Birth birth)
    {
        for (var start = 0; start <= birth.Steps().Count; start++)
        {
            var guest = birth.Begin();
            foreach (var (i, step) in birth.Steps().Index())
            {
                step(guest);
                if (i < start)
                {
                    continue;
                }

                // Whatever the manager has come to, the agent's masks are those that it will come to.
                guest.Look();
                if (guest.Beginnings > 0)
                {
                    birth.AssertPlaced(guest, start);
                }
            }

            guest.Look();
            birth.AssertPlaced(guest, start);
            Assert.Equal((start, 1), (start, guest.Beginnings));
            Assert.Empty(guest.Repairs);
            Assert.Empty(guest.Standings.Except(["Waiting VcpuThreadsStarting", "placed"]));
        }
    }

    /// <summary>When virt-handler makes its group.</summary>
    public enum Housekeeping
    {
        /// <summary>Before libvirt sets masks.</summary>
        Early,

        /// <summary>Afterwards.</summary>
        Late,

        /// <summary>Not at all.</summary>
        Never,
    }

    /// <summary>A guest in a cpuset that begins at CPU 2.</summary>
    /// <param name="Vcpus">How many vCPUs.</param>
    /// <param name="IoThreads">How many I/O threads.</param>
    /// <param name="EmulatorCpus">How many CPUs the emulator has to itself.</param>
    /// <param name="HasVmi">Whether its VMI is known.</param>
    /// <param name="Group">When the emulator's group comes.</param>
    public sealed record Birth(
        int Vcpus,
        int IoThreads,
        int EmulatorCpus,
        bool HasVmi,
        Housekeeping Group
    )
    {
        private const int First = 2;

        private string Cpuset => Range(First, Vcpus + EmulatorCpus);

        private string Emulator => EmulatorCpus == 0 ? Cpuset : Range(First + Vcpus, EmulatorCpus);

        // libvirt starts QEMU on the emulator's CPUs.
        private string Born => Emulator;

        internal BornGuest Begin() =>
            new(
                Cpuset,
                Vcpus,
                HasVmi ? BornGuest.Vmi(EmulatorCpus > 0, evenParity: EmulatorCpus == 2) : null
            );

        internal List<Action<BornGuest>> Steps()
        {
            List<Action<BornGuest>> handler =
            [
                guest => guest.WriteHousekeeping(Cpuset),
                guest => guest.WriteHousekeeping(Emulator),
                .. Others().Select(tid => (Action<BornGuest>)(guest => Move(guest, tid))),
            ];
            return
            [
                guest => guest.Name(BornGuest.Pid, "qemu-system-x86", Born),
                guest => guest.Name(BornGuest.Pid + 1, "qemu-system-x86", Born),
                guest => guest.Name(Pit, "kvm-pit/77", AllCpus),
                .. Numbers(IoThreads, IoThread, (n, tid) => (tid, $"IO iothread{n + 1}", Born)),
                .. Numbers(Vcpus, Vcpu, (n, tid) => (tid, $"CPU {n}/KVM", Born)),
                .. Group == Housekeeping.Early ? handler : [],
                .. Enumerable.Range(0, Vcpus).Select(Set(Vcpu, n => $"{First + n}")),
                .. Enumerable.Range(0, IoThreads).Select(Set(IoThread, IoThreadCpus)),
                // The kernel's worker is the child of a vCPU.
                guest => guest.Name(Vcpu + 100, "kvm-nx-lpage-re", $"{First}"),
                .. Group == Housekeeping.Late ? handler : [],
                guest => guest.Set(Pit, $"{First}"),
            ];
        }

        internal void AssertPlaced(BornGuest guest, int start)
        {
            foreach (var thread in guest.Threads)
            {
                var wanted = thread.Role switch
                {
                    ThreadRole.Vcpu => $"{First + thread.Index}",
                    ThreadRole.KvmPit => $"{First}",
                    ThreadRole.IoThread => IoThreadCpus(thread.Index!.Value - 1),
                    _ => Emulator,
                };
                Assert.Equal((start, thread.Comm, wanted), (start, thread.Comm, guest[thread.Tid]));
            }
        }

        private IEnumerable<int> Others() =>
            [
                BornGuest.Pid,
                BornGuest.Pid + 1,
                .. Enumerable.Range(IoThread, IoThreads),
                Vcpu + 100,
            ];

        // Counted from 0. KubeVirt's FormatDomainIOThreadPin, for these numbers.
        private string IoThreadCpus(int n) =>
            EmulatorCpus > 0 ? Emulator
            : IoThreads >= Vcpus ? $"{First + ((n + 1) % Vcpus)}"
            : Range(First + (n * Vcpus / IoThreads), Vcpus / IoThreads);

        private static void Move(BornGuest guest, int tid)
        {
            if (guest.IsThere(tid))
            {
                guest.Move(tid);
            }
        }

        private static Func<int, Action<BornGuest>> Set(int first, Func<int, string> cpus) =>
            n => guest => guest.Set(first + n, cpus(n));

        private static IEnumerable<Action<BornGuest>> Numbers(
            int count,
            int first,
            Func<int, int, (int Tid, string Comm, string Mask)> thread
        ) =>
            Enumerable
                .Range(0, count)
                .Select(n => thread(n, first + n))
                .Select(born =>
                    (Action<BornGuest>)(guest => guest.Name(born.Tid, born.Comm, born.Mask))
                );

        private static string Range(int first, int count) =>
            count == 1 ? $"{first}" : $"{first}-{first + count - 1}";
    }
}
