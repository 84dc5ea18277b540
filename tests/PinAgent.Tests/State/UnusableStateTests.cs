using System.Diagnostics;
using PinAgent.Model.Changes;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;
using PinAgent.Plan.Dedication;
using PinAgent.State;
using Xunit;

namespace PinAgent.Tests.State;

/// <summary>A state folder in which nothing can be used: the agent starts, says so, and writes its own again.</summary>
public sealed class UnusableStateTests : IDisposable
{
    private static readonly string[] Names =
    [
        "remembered.json",
        "masks.json",
        "contests.json",
        "released.json",
        "changes.jsonl",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("state-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("fifo", "found something else")]
    [InlineData("zero", "found a link")]
    [InlineData("large", "expected at most")]
    [InlineData("folder", "found something else")]
    [InlineData("torn", "isn't a whole file")]
    [InlineData("newer", "expected version")]
    public void What_cant_be_used_is_set_aside_with_a_reason_and_the_agent_starts(
        string kind,
        string reason
    )
    {
        // A line that can't be read costs the record only itself, whatever there is of it.
        var names = kind is "torn" or "newer" or "large" ? Names[..^1] : Names;
        foreach (var name in names)
        {
            Spoil(kind, $"{_folder}/{name}");
        }

        var state = new AgentState(_folder, isInCluster: true);
        state.SetAsideUnusable();
        _ = state.Decisions!.Load();
        _ = state.Contests.Load();
        _ = state.Released.Look();
        Assert.Empty(state.Masks.Load());
        state.History.Add([Change()]);

        Assert.Equal(names.Length, state.Problems.Count(problem => problem.Contains(reason)));
        Assert.All(
            names,
            name =>
            {
                Assert.Contains(
                    state.Problems,
                    problem => problem.Contains($"set aside as {name}.unusable")
                );
                Assert.True(Path.Exists($"{_folder}/{name}.unusable") || kind == "zero");
            }
        );
        Assert.Single(state.History.Read());
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead,
            File.GetUnixFileMode($"{_folder}/changes.jsonl")
        );

        // The next start finds nothing to set aside.
        var next = new AgentState(_folder, isInCluster: true);
        next.SetAsideUnusable();
        Assert.Empty(next.Problems);
    }

    [Theory]
    [InlineData("1e300", "1")]
    [InlineData("1", "1e300")]
    [InlineData("-1", "1")]
    [InlineData("1", "-1e9")]
    [InlineData("301", "1")]
    [InlineData("1e999", "1")]
    public void Times_that_no_agent_writes_cost_only_their_entry(string pause, string until)
    {
        File.WriteAllText(
            $"{_folder}/contests.json",
            $$$"""
            {"version":1,"vms":[
              {"key":{"pid":1,"startTime":1},"pauseSeconds":{{{pause}}},"untilSeconds":{{{until}}}},
              {"key":{"pid":2,"startTime":2},"pauseSeconds":10,"untilSeconds":20}]}
            """
        );

        var contests = new ContestMemory($"{_folder}/contests.json").Load();

        Assert.Equal([2], contests.All.Select(vm => vm.Key.Pid));
    }

    [Fact]
    public void Lines_of_the_record_that_make_no_sense_cost_only_themselves()
    {
        var history = new HistoryFile($"{_folder}/changes.jsonl");
        history.Add([Change()]);
        var line = File.ReadAllText($"{_folder}/changes.jsonl");
        File.AppendAllText(
            $"{_folder}/changes.jsonl",
            line.Replace("\"vm1\"", "null")
                + line.Replace("\"threads\":[", "\"threads\":[null,")
                + line.Replace("\"pid\":", "\"unpinnedSecondsAtMost\":1e300,\"pid\":")
                + "\0\u0001\n"
        );
        history.Add([Change()]);

        Assert.Equal(2, history.Read().Count);
    }

    [Fact]
    public void What_is_written_is_for_the_owner_and_the_group_and_never_through_a_link()
    {
        var outside = $"{_folder}/outside";
        File.WriteAllText(outside, "whole");
        File.CreateSymbolicLink($"{_folder}/released.json.new", outside);

        new ReleasedVms($"{_folder}/released.json").Change([], []);

        Assert.Equal("whole", File.ReadAllText(outside));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead,
            File.GetUnixFileMode($"{_folder}/released.json")
        );
    }

    [Fact]
    public void A_VMI_is_remembered_whole()
    {
        var vmi = new VmiFacts("default", "vm1")
        {
            Uid = "u",
            NodeName = "node-1",
            MigrationSource = "node-1",
            MigrationTarget = "node-2",
            Mode = "audit",
            CurrentTopology = new GuestTopology(1, 2, 2),
            Spec = new VmiSpec
            {
                SpecPath = "spec.template.spec",
                IsStored = true,
                HasInstancetype = true,
                EmulatorThreadCompleteToEvenParity = true,
                HasHookSidecars = true,
                Architecture = "amd64",
                DedicatedCpuPlacement = true,
                IsolateEmulatorThread = true,
                Sockets = 1,
                Cores = 2,
                Threads = 2,
                MaxSockets = 4,
                NumaPassthrough = true,
                Realtime = true,
                RealtimeMask = "0-1",
                IoThreadsPolicy = VmiSpec.SupplementalPool,
                SupplementalPoolThreadCount = 3,
                CpuRequest = Quantity.Parse("1500m"),
                CpuLimit = Quantity.Parse("4"),
                MemoryRequest = Quantity.Parse("1Gi"),
                MemoryLimit = Quantity.Parse("2Gi"),
                GuestMemory = Quantity.Parse("1G"),
                HasHugepages = true,
                PageSize = "2Mi",
            },
            Problem = "none",
        };

        // A field that is added later and not here isn't tested.
        Assert.All(
            typeof(VmiSpec).GetProperties().Where(property => property.CanWrite),
            property =>
                Assert.NotEqual(property.GetValue(new VmiSpec()), property.GetValue(vmi.Spec))
        );
        var container = new ContainerKey("p", "c");
        var decision = new Decision { Dedicated = true, Vmi = vmi };
        new DecisionMemory($"{_folder}/remembered.json").Keep(
            Decisions.Of([KeyValuePair.Create(container, decision)])
        );

        var memory = new DecisionMemory($"{_folder}/remembered.json");
        Assert.Equal(decision, memory.Load().Find(container));
        Assert.Null(memory.Problem);
    }

    [Fact]
    public void What_Kubernetes_mounts_is_a_link_and_is_read_but_nothing_that_never_ends()
    {
        File.WriteAllText($"{_folder}/real", "\uFEFFmode: audit");
        File.CreateSymbolicLink($"{_folder}/link", "real");
        File.CreateSymbolicLink($"{_folder}/endless", "/dev/zero");
        Spoil("fifo", $"{_folder}/fifo");

        Assert.Equal("mode: audit", OwnFile.ReadText($"{_folder}/link", 100));
        Assert.Equal(
            Errno.ELOOP,
            OwnFile.Read($"{_folder}/link", 100, followsLinks: false, out _).Errno
        );
        foreach (var (name, most) in new[] { ("endless", 100), ("fifo", 100), ("real", 13) })
        {
            Assert.Throws<IOException>(() => OwnFile.ReadText($"{_folder}/{name}", most));
        }

        Assert.Throws<FileNotFoundException>(() => OwnFile.ReadText($"{_folder}/none", 100));
        Assert.Equal("mode: audit", OwnFile.ReadText($"{_folder}/real", 14));
    }

    private static void Spoil(string kind, string path)
    {
        switch (kind)
        {
            case "fifo":
                Process.Start("mkfifo", path).WaitForExit();
                break;
            case "zero":
                File.CreateSymbolicLink(path, "/dev/zero");
                break;
            case "large":
                File.WriteAllText(
                    path,
                    "{\"version\":1,\"vms\":["
                        + string.Join(',', Enumerable.Repeat("{}", 5_000_000))
                        + "]}"
                );
                break;
            case "folder":
                Directory.CreateDirectory(path);
                break;
            case "torn":
                File.WriteAllText(path, "{\"version\":1,\"vms\":[{\"pod");
                break;
            default:
                File.WriteAllText(path, "{\"version\":7}");
                break;
        }
    }

    private static VmChange Change() =>
        new()
        {
            At = DateTimeOffset.UnixEpoch,
            Namespace = "default",
            Name = "vm1",
            Pid = 1,
            Kind = VmChangeKind.Repaired,
            Cause = ChangeCause.MasksSet,
            State = VmState.Pinned,
            Threads = [new ChangedThread(1, ThreadRole.Vcpu, 0, "0-1", "0")],
        };
}
