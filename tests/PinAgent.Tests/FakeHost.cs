using System.Text;
using PinAgent.Observe.Files;

namespace PinAgent.Tests;

/// <summary>
/// A machine's files in a temporary folder: written one by one, or taken from a <c>machine.txt</c>
/// (tests/fixtures/machines/README.md). Deleted at the end.
/// </summary>
internal sealed class FakeHost : IDisposable
{
    public FakeHost()
    {
        // In memory where there is such a place: the largest machine has 15,000 files.
        const string Memory = "/dev/shm";
        Root = Directory.Exists(Memory)
            ? Directory.CreateDirectory($"{Memory}/pinagent-{Guid.NewGuid():N}").FullName
            : Directory.CreateTempSubdirectory("pinagent-").FullName;
        Files = new HostFiles(Root);
    }

    /// <summary>The folder.</summary>
    public string Root { get; }

    /// <summary>The folder as PinAgent reads it.</summary>
    public HostFiles Files { get; }

    /// <summary>Where a file of the machine is.</summary>
    /// <param name="path">Its path on the machine, with or without a slash at the beginning.</param>
    public string PathOf(string path) => Path.Combine(Root, path.TrimStart('/'));

    /// <summary>Writes a file, over the one that was there, and the folders above it.</summary>
    public FakeHost Write(string path, string content) =>
        Write(path, Encoding.UTF8.GetBytes(content));

    /// <summary>Writes a file that isn't text.</summary>
    public FakeHost Write(string path, byte[] content)
    {
        File.WriteAllBytes(Prepare(path), content);
        return this;
    }

    /// <summary>Makes a symbolic link, in place of the one that was there; its target needn't exist.</summary>
    public FakeHost Link(string path, string target)
    {
        var link = Prepare(path);
        File.Delete(link);
        File.CreateSymbolicLink(link, target);
        return this;
    }

    /// <summary>Makes an empty folder.</summary>
    public FakeHost Folder(string path)
    {
        Directory.CreateDirectory(PathOf(path));
        return this;
    }

    /// <summary>Deletes a file, or a folder and all that is in it.</summary>
    public FakeHost Delete(string path)
    {
        if (Directory.Exists(PathOf(path)))
        {
            Directory.Delete(PathOf(path), recursive: true);
        }
        else
        {
            File.Delete(PathOf(path));
        }

        return this;
    }

    /// <summary>Writes the files of an archived machine.</summary>
    /// <param name="archive">The path of a <c>machine.txt</c>.</param>
    public FakeHost Load(string archive)
    {
        var contents = new Dictionary<string, StringBuilder>();
        foreach (var line in File.ReadLines(archive))
        {
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            // "<path>: <content>" for each line of a file; "<path>:" alone for an empty one.
            var colon = line.IndexOf(": ", StringComparison.Ordinal);
            var path = colon < 0 ? line.TrimEnd(':') : line[..colon];
            if (!contents.TryGetValue(path, out var content))
            {
                contents[path] = content = new();
            }

            content.Append(colon < 0 ? "" : line[(colon + 2)..]).Append('\n');
        }

        foreach (var (path, content) in contents)
        {
            Write(path, content.ToString());
        }

        return this;
    }

    /// <summary>Mounts cgroup v2, all CPUs of the machine in its root.</summary>
    public FakeHost MountCgroup2(string cpus = "0-15") =>
        Write(
                "/proc/1/mountinfo",
                "22 28 0:21 / /proc rw shared:14 - proc proc rw\n"
                    + "30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
            )
            .Write("/sys/fs/cgroup/cpuset.cpus.effective", cpus + "\n");

    /// <summary>Mounts cgroup v1's cpuset hierarchy.</summary>
    public FakeHost MountCgroup1(string cpus = "0-15") =>
        Write(
                "/proc/1/mountinfo",
                "34 30 0:29 / /sys/fs/cgroup/cpuset rw shared:8 - cgroup cgroup rw,cpuset\n"
            )
            .Write("/sys/fs/cgroup/cpuset/cpuset.cpus", cpus + "\n")
            .Write("/sys/fs/cgroup/cpuset/cpuset.effective_cpus", cpus + "\n");

    /// <inheritdoc/>
    public void Dispose()
    {
        Files.Dispose();
        Directory.Delete(Root, recursive: true);
    }

    private string Prepare(string path)
    {
        var full = PathOf(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        return full;
    }
}
