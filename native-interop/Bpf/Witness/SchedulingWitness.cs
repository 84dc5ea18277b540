using System.Collections.Immutable;
using System.Diagnostics;

namespace PinAgent.NativeInterop.Bpf.Witness;

/// <summary>
/// Lets the kernel watch how long threads wait for their CPU, and who has it meanwhile. The programs sum up in the kernel;
/// what they keep is bounded by the number of threads and CPUs.
/// </summary>
/// <remarks>Needs CAP_BPF and CAP_PERFMON, and a kernel that describes its own types.</remarks>
public sealed class SchedulingWitness : IDisposable
{
    private const string Object = "prove.bpf.o";

    // PROC_PID_INIT_INO of linux/proc_ns.h: programs know threads by the numbers of that namespace only.
    private const string InitialNamespace = "pid:[4026531836]";

    // As many vCPUs as KVM gives a VM; a QEMU that has named more threads so isn't one. What is kept of each is 5 KiB.
    private const int MostThreads = 4096;

    // On so many CPUs all processes are known by name.
    private const int MostNamed = 1024;

    private readonly BpfLoader _loader;
    private readonly WitnessOptions _options;
    private readonly WitnessLayout.Settings _settings;
    private readonly ulong _begin;

    private SchedulingWitness(
        BpfLoader loader,
        WitnessOptions options,
        WitnessLayout.Settings settings
    )
    {
        (_loader, _options, _settings) = (loader, options, settings);
        _begin = Now();
        Switch(isOn: true);
    }

    /// <summary>Where the programs are attached. Who waits is known before it's asked who runs.</summary>
    internal static ImmutableArray<(string Program, string Tracepoint)> Hooks { get; } =
    [
        ("woken", "sched_waking"),
        ("woken", "sched_wakeup"),
        ("irq_begins", "irq_handler_entry"),
        ("irq_ends", "irq_handler_exit"),
        ("soft_begins", "softirq_entry"),
        ("soft_ends", "softirq_exit"),
        ("switched", "sched_switch"),
    ];

    /// <summary>Begins to watch.</summary>
    /// <returns>Null, or why it can't.</returns>
    public static string? TryOpen(WitnessOptions options, out SchedulingWitness? witness)
    {
        witness = null;
        options = options with { Threads = [.. options.Threads.Take(MostThreads)] };
        if (new FileInfo("/proc/self/ns/pid").LinkTarget != InitialNamespace)
        {
            return "the kernel counts threads by the machine's own numbers, and this is another PID namespace";
        }

        var settings = KernelTypesFile.Find(KernelTypesFile.Usual, WitnessLayout.Settings.Find);
        if (settings.TaskNumber == 0)
        {
            return "this kernel doesn't describe its types (CONFIG_DEBUG_INFO_BTF)";
        }

        var loader = new BpfLoader(Sized(BpfLoader.ReadObject(Object), options));
        var why = loader.TryMakeMaps() ?? Fill(loader, settings, options);
        foreach (var (program, tracepoint) in Hooks)
        {
            why ??= loader.TryAttachRaw(program, tracepoint);
        }

        if (why is not null)
        {
            loader.Dispose();
            return why;
        }

        witness = new(loader, options, settings);
        return null;
    }

    /// <summary>Ends the watch.</summary>
    /// <returns>What was seen.</returns>
    public WitnessReading End()
    {
        Switch(isOn: false);
        var end = Now();
        var endTime = TimeProvider.System.GetUtcNow();
        _loader.Detach();
        return new WitnessMaps(_loader, _options).Read(_begin, end, endTime);
    }

    /// <inheritdoc/>
    public void Dispose() => _loader.Dispose();

    /// <summary>The object with as many entries in its maps as these threads and CPUs need.</summary>
    internal static BpfObject Sized(BpfObject code, WitnessOptions options)
    {
        var vcpus = (uint)Math.Clamp(options.Threads.Length, 1, MostThreads);
        var watched = (uint)
            Math.Clamp(options.Threads.Count(thread => thread.Cpu is not null), 1, MostNamed);
        return code with
        {
            Maps = code
                .Maps.SetItem("numbers", code.Maps["numbers"] with { Entries = vcpus })
                .SetItem("vcpus", code.Maps["vcpus"] with { Entries = vcpus })
                .SetItem("cpus", code.Maps["cpus"] with { Entries = (uint)options.Cpus })
                .SetItem(
                    "processes",
                    code.Maps["processes"] with
                    {
                        Entries = watched * WitnessLayout.MostKnown,
                    }
                ),
        };
    }

    // All programs at once, however long it takes to attach and detach them.
    private unsafe void Switch(bool isOn)
    {
        var settings = _settings with { IsOn = isOn ? 1u : 0 };
        var zero = 0u;
        _ = BpfCalls.Update(_loader.Map("settings"), &zero, &settings);
    }

    // Of a thread without a CPU of its own only the waits are seen. Of two that share one, the first is whom the others hold up.
    private static unsafe string? Fill(
        BpfLoader loader,
        WitnessLayout.Settings settings,
        WitnessOptions options
    )
    {
        var zero = 0u;
        var told = BpfCalls.Update(loader.Map("settings"), &zero, &settings);
        for (var i = options.Threads.Length - 1; i >= 0 && told.IsSuccess; i--)
        {
            var (tid, own) = options.Threads[i];
            var index = (uint)i;
            var number = (uint)tid;
            WitnessLayout.Vcpu vcpu = new() { Tid = number };
            told = BpfCalls.Update(loader.Map("vcpus"), &index, &vcpu);
            told = told.IsSuccess ? BpfCalls.Update(loader.Map("numbers"), &number, &index) : told;
            if (told.IsSuccess && own is { } id && id < options.Cpus)
            {
                var place = (uint)id;
                WitnessLayout.Cpu cpu = new() { IsWatched = 1, Vcpu = index };
                told = BpfCalls.Update(loader.Map("cpus"), &place, &cpu);
            }
        }

        return told.IsSuccess ? null : BpfRefusal.OfMap(told.Errno);
    }

    // CLOCK_MONOTONIC, in nanoseconds.
    private static ulong Now() => (ulong)Stopwatch.GetTimestamp();
}

/// <summary>Whom to watch.</summary>
/// <param name="Threads">Each thread, by its number in the machine's own PID namespace, and the only CPU it may run on, if it has one.</param>
/// <param name="Cpus">How many CPUs there are: one more than the highest number.</param>
public sealed record WitnessOptions(ImmutableArray<(int Tid, int? Cpu)> Threads, int Cpus);
