using System.Collections.Immutable;
using System.Text;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe.Files;

namespace PinAgent.State;

/// <summary>
/// Which VMs an administrator has taken from the agent with <c>pinagent release</c>: a file that this command writes and
/// the agent reads before every pass. A VM is its process: who takes its name meanwhile or afterwards isn't released.
/// </summary>
internal sealed class ReleasedVms(string path)
{
    // What ended long ago is forgotten first. Far more than a node has VMs.
    private const int MostVms = 4096;

    private readonly StateFile<ReleasedFile> _file = new(
        path,
        StateJson.Default.ReleasedFile,
        version: 2
    );
    private readonly WatchedFile _watched = new(
        path,
        StateFile<ReleasedFile>.LargestFile,
        followsLinks: false
    );
    private ImmutableHashSet<VmKey> _keys = [];
    private string? _setAside;
    private string? _misunderstood;

    /// <summary>What is wrong with the file; null if nothing is.</summary>
    public string? Problem => _misunderstood ?? _setAside;

    /// <summary>Puts a file that can't be used out of the way.</summary>
    public void SetAsideIfUnusable() => _setAside = _file.SetAsideIfUnusable();

    /// <summary>The VMs as the file has them now. One that can't be understood changes nothing.</summary>
    public ImmutableHashSet<VmKey> Look()
    {
        if (_watched.HasChanged())
        {
            try
            {
                _keys = [.. VmsIn(Understand()).Select(vm => vm.Key)];
                _misunderstood = null;
            }
            catch (StateException problem)
            {
                _misunderstood = $"{problem.Message}: which VMs are released stays as it was";
            }
        }

        return _keys;
    }

    /// <summary>The VMs with the names they had when they were released.</summary>
    /// <exception cref="StateException">The file can't be read.</exception>
    public ImmutableArray<ReleasedVm> Load() => VmsIn(_file.Read());

    /// <summary>Adds and removes VMs.</summary>
    /// <exception cref="StateException">The file can't be read or written.</exception>
    public void Change(IEnumerable<ReleasedVm> add, IEnumerable<ReleasedVm> remove)
    {
        var added = add.ToList();
        var gone = remove.Concat(added).Select(vm => vm.Key).ToHashSet();
        _file.Write(
            new ReleasedFile
            {
                Vms =
                [
                    .. Load()
                        .Where(vm => !gone.Contains(vm.Key))
                        .Concat(added)
                        .DistinctBy(vm => vm.Key)
                        .TakeLast(MostVms),
                ],
            }
        );
    }

    private ReleasedFile? Understand() =>
        _watched.Text is { } text ? _file.Parse(Encoding.UTF8.GetBytes(text))
        : _watched.Result.Errno is Errno.ENOENT or Errno.ENOTDIR ? null
        : throw _file.Unreadable(_watched.Result);

    private static ImmutableArray<ReleasedVm> VmsIn(ReleasedFile? file) =>
        [.. (file?.Vms ?? []).OfType<ReleasedVm>().Where(vm => vm.IsSound)];
}

internal sealed record ReleasedFile : VersionedFile
{
    public ReleasedVm?[]? Vms { get; init; }
}

/// <summary>A VM that was released, and what it was called then.</summary>
internal sealed record ReleasedVm
{
    public string? Namespace { get; init; }
    public string? Name { get; init; }
    public VmKey Key { get; init; }

    internal bool IsSound => Namespace is not null && Name is not null && Key.Pid > 0;

    /// <summary>The namespace and the name.</summary>
    internal string FullName => $"{Namespace}/{Name}";
}
