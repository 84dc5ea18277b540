namespace PinAgent.HostTests.Bpf;

/// <summary>
/// A cgroup as systemd gives it to a user's session, for who changes something: in version 2, or where version 1 is used in
/// its hierarchy of pids, or of memory if there's none.
/// </summary>
internal sealed class AuthorsCgroup : IDisposable
{
    private static readonly string s_root =
        File.Exists("/sys/fs/cgroup/cgroup.procs") ? "/sys/fs/cgroup"
        : Directory.Exists("/sys/fs/cgroup/pids") ? "/sys/fs/cgroup/pids"
        : "/sys/fs/cgroup/memory";
    private readonly string _path;

    public AuthorsCgroup(string path)
    {
        _path = path;
        Directory.CreateDirectory(Folder);
    }

    /// <summary>Its folder.</summary>
    public string Folder => $"{s_root}/{_path}";

    /// <summary>Runs a command in it.</summary>
    public bool Run(string command) =>
        Foreign.Run("sh", "-c", $"echo $$ > {Folder}/cgroup.procs && exec {command}").IsSuccess;

    /// <inheritdoc/>
    public void Dispose()
    {
        for (var path = _path; path != ""; path = Path.GetDirectoryName(path) ?? "")
        {
            Directory.Delete($"{s_root}/{path}");
        }
    }
}
