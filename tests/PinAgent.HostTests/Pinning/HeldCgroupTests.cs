using System.Text;
using PinAgent.HostTests.Harness;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;
using Xunit;

namespace PinAgent.HostTests.Pinning;

/// <summary>What the kernel makes of a cgroup's file that is held open, which the agent reads each second.</summary>
[Trait("also", "node")]
public sealed class HeldCgroupTests
{
    private const int Timeout = Patience.Hang;

    [Fact(Timeout = Timeout)]
    public async Task It_says_what_is_written_and_never_what_another_cgroup_of_the_name_has()
    {
        Requires.RealGuests(cpus: 2);
        await Task.Yield();
        var path = $"/pinagent-test-{Guid.NewGuid():N}";
        string file;
        KeptFile held;
        using (var cpuset = new Cpuset(path, "0"))
        {
            file =
                $"{cpuset.Folder}/{(Cpuset.IsV1 ? "cpuset.effective_cpus" : "cpuset.cpus.effective")}";
            Assert.True(
                KeptFile.Open(Encoding.UTF8.GetBytes(file + '\0'), null, out var kept).IsSuccess
            );
            held = kept!;
            Assert.True(held.IsOfCgroup);
            Assert.Equal("0\n", Read());
            cpuset.Write("1");
            Assert.Equal("1\n", Read());
        }

        using (held)
        {
            // It was removed though it's held.
            Assert.False(File.Exists(file));
            using var another = new Cpuset(path, "0");
            Assert.True(File.Exists(file));
            Assert.Equal(Errno.ENODEV, held.Read(new byte[64], out _).Errno);
        }

        string Read()
        {
            var content = new byte[64];
            Assert.True(held.Read(content, out var length).IsSuccess);
            return Encoding.UTF8.GetString(content, 0, length);
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task A_copy_of_such_a_file_isnt_taken_for_one()
    {
        using var folder = new TemporaryFolder();
        var file = $"{folder.Path}/cpuset.cpus";
        await File.WriteAllTextAsync(file, "0\n", TestContext.Current.CancellationToken);
        Assert.True(
            KeptFile.Open(Encoding.UTF8.GetBytes(file + '\0'), null, out var held).IsSuccess
        );
        using (held)
        {
            Assert.False(held!.IsOfCgroup);
        }
    }
}
