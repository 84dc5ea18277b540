using System.Collections.Immutable;
using System.CommandLine;
using PinAgent.Apply;
using PinAgent.Cli.Ask;
using PinAgent.Cli.Options;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Node;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Plan.Threads;
using PinAgent.State;

namespace PinAgent.Cli;

/// <summary><c>pinagent release</c>: takes VMs from the agent, and their pins from them.</summary>
internal static class ReleaseCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly Option<string[]> Vms = new("--vm")
    {
        Description = "This VM: its name, with or without namespace, or its pid. Repeatable.",
        HelpName = "NAME",
    };

    private static readonly Option<bool> All = new("--all")
    {
        Description = "Every dedicated VM that runs here now.",
    };

    private static readonly Option<bool> Undo = new("--undo")
    {
        Description = "Let the agent take them up again; VMs that don't run any more, too.",
    };

    public static Command Create()
    {
        var command = new DetailedCommand(
            "release",
            "Give VMs back: their threads get the CPUs they had before, and the agent only reports on them from then on.",
            """
            Each thread gets the mask and the priority it had before the agent's first change, as far as its cgroup still
            allows it, or else all CPUs of its cgroup. The running agent takes note first, so that it doesn't pin the VM again; without a running
            agent the next one does. It stays released until --undo or its end: a VM that is started anew is pinned again,
            and so is another of its name. Needs CAP_SYS_NICE, as the agent does: in a cluster, call it in the agent's container.
            Exits with 0, 1 if there is no such VM or the kernel refused, 2 for a wrong call, 3 if it couldn't be done.
            """,
            "pinagent release --vm default/vm1"
        )
        {
            Vms,
            All,
            Undo,
        };
        command.Add(EndpointOptions.Socket);
        command.Add(ClusterOptions.StateDir);
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken stop)
    {
        // No validator: one of a command hides what is wrong with its options.
        if (parsed.GetValue(All) == (parsed.GetValue(Vms) is { Length: > 0 }))
        {
            return Failure.Usage("release: expected either --all or --vm NAME");
        }

        try
        {
            var state = new AgentState(ClusterOptions.StateDir.Get(parsed), isInCluster: false);
            return parsed.GetValue(Undo)
                ? await UndoAsync(parsed, state, stop)
                : await ReleaseAsync(parsed, state, stop);
        }
        catch (Exception problem)
            when (problem is StateException or AgentException or InvalidDataException)
        {
            return Failure.Because($"release: {problem.Message}");
        }
    }

    private static async Task<int> ReleaseAsync(
        ParseResult parsed,
        AgentState state,
        CancellationToken stop
    )
    {
        using var machine = await LiveMachine.OpenAsync(parsed, stop);
        if (machine.Unasked is { } unasked)
        {
            // One that runs would have to take note first.
            throw new InvalidDataException(unasked);
        }

        var chosen = new List<NamedVm>();
        if (parsed.GetValue(All))
        {
            chosen.AddRange(machine.Vms.Where(vm => vm.Dedicated));
        }

        foreach (var name in parsed.GetValue(Vms) ?? [])
        {
            if (NamedVm.Choose(name, machine.Vms, out var problem) is not { } vm)
            {
                return Failure.No($"release: {problem}");
            }

            chosen.Add(vm);
        }

        var observed = machine.Observer.Observe().Vms;
        var released = chosen
            .Join(
                observed,
                named => named.Pid,
                vm => vm.Key.Pid,
                (named, vm) =>
                    new ReleasedVm
                    {
                        Namespace = named.Namespace,
                        Name = named.Name,
                        Key = vm.Key,
                    }
            )
            .ToList();
        if (chosen.Find(vm => released.TrueForAll(other => other.Key.Pid != vm.Pid)) is { } ended)
        {
            return Failure.No($"release: {ended.FullName} (pid {ended.Pid}) has just ended");
        }

        state.Released.Change(released, remove: []);
        if (machine.HasAgent)
        {
            await WaitAsync(parsed, [.. chosen.Select(vm => vm.Pid)], isReleased: true, stop);
        }

        // Only now, when no pass of the agent's undoes it.
        var applier = new PlanApplier(new KernelThreadAffinity(machine.Files));
        var masks = state.Masks.Load();
        var outcomes = machine
            .Observer.Observe()
            .Vms.Join(
                released,
                vm => vm.Key,
                named => named.Key,
                (vm, named) =>
                    applier.Apply(
                        GiveBack.Of(
                            vm,
                            (named.Namespace!, named.Name!),
                            thread =>
                            {
                                var before = masks.GetValueOrDefault(ThreadKey.Of(thread));
                                return (before.Mask, before.Scheduling);
                            }
                        ),
                        AgentMode.Enforce
                    )
            )
            .ToList();
        state.Masks.Forget(
            outcomes.SelectMany(
                vm => vm.Threads,
                (_, thread) => ThreadKey.Of(thread.Planned.Thread)
            )
        );
        return Tell(outcomes);
    }

    private static async Task<int> UndoAsync(
        ParseResult parsed,
        AgentState state,
        CancellationToken stop
    )
    {
        var released = state.Released.Load();
        var agent = await DoctorCommand.AskAgentAsync(EndpointOptions.Socket.Get(parsed), stop);
        var chosen = new List<ReleasedVm>();
        if (parsed.GetValue(All))
        {
            chosen.AddRange(released);
        }

        foreach (var name in parsed.GetValue(Vms) ?? [])
        {
            var found = VmNameMatch.Find(
                name,
                released,
                vm => (vm.Namespace!, vm.Name!, vm.Key.Pid)
            );
            if (found.Select(vm => vm.FullName).Distinct().Count() != 1)
            {
                return Failure.No(NotOne(name, found, released));
            }

            // Of processes with one name after the other, all: those that ended don't matter.
            chosen.AddRange(found);
        }

        state.Released.Change(add: [], chosen);
        if (agent.Status is not null)
        {
            await WaitAsync(parsed, [.. chosen.Select(vm => vm.Key.Pid)], isReleased: false, stop);
        }

        foreach (
            var name in chosen.Select(vm => vm.FullName).Distinct().Order(StringComparer.Ordinal)
        )
        {
            Output.Line($"{name}: the agent takes it up again");
        }

        return ExitCode.Fine;
    }

    private static string NotOne(
        string name,
        IReadOnlyCollection<ReleasedVm> found,
        IReadOnlyCollection<ReleasedVm> released
    ) =>
        found.Count > 0
            ? $"release --undo: {Words.Shown(name)}: several released VMs have this name: choose one by its full name or its pid, of "
                + Names(found)
            : $"release --undo: {Words.Shown(name)}: not released; released are: "
                + (released.Count == 0 ? "none" : Names(released));

    private static string Names(IEnumerable<ReleasedVm> vms) =>
        string.Join(
            ", ",
            vms.Select(vm => $"{vm.FullName} (pid {vm.Key.Pid})").Order(StringComparer.Ordinal)
        );

    // The agent reads the file before every pass, so the status that tells of it is the end of a pass that heeded it.
    private static async Task WaitAsync(
        ParseResult parsed,
        ImmutableHashSet<int> pids,
        bool isReleased,
        CancellationToken stop
    )
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Patience);
        using var client = new StatusClient(EndpointOptions.Socket.Get(parsed));
        try
        {
            await foreach (var status in client.WatchAsync(patience.Token))
            {
                if (status.Vms.All(vm => !pids.Contains(vm.Pid) || vm.Released == isReleased))
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new AgentException(
                $"the running agent hasn't taken note for {Patience.TotalSeconds} s: give this command the agent's --state-dir, "
                    + "and see its log"
            );
        }
    }

    private static int Tell(List<VmOutcome> outcomes)
    {
        foreach (var vm in outcomes)
        {
            var changes = vm.DescribeChanges();
            Output.Line(
                $"{vm.Plan.Namespace}/{vm.Plan.Name} (pid {vm.Plan.Vm.Key.Pid}): released: "
                    + (changes.Length > 0 ? changes : "every thread had its CPUs already")
            );
        }

        var denied = outcomes
            .SelectMany(vm => vm.Threads)
            .Where(thread =>
                thread.Outcome == Outcome.Denied || thread.Scheduling?.Outcome == Outcome.Denied
            )
            .Select(thread => thread.Planned.Thread.Tid)
            .ToList();
        return denied.Count == 0
            ? ExitCode.Fine
            : Failure.No(
                $"release: the kernel refused to move threads {string.Join(", ", denied)}: it needs CAP_SYS_NICE"
            );
    }
}
