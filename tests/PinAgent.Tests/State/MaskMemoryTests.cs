using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.State;
using PinAgent.Tests.Apply;
using Xunit;

namespace PinAgent.Tests.State;

/// <summary>What threads had before the agent's first change, kept for <c>pinagent release</c>.</summary>
public sealed class MaskMemoryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pinagent-test-").FullName;

    private string Path => $"{_folder}/masks.json";

    [Fact]
    public void The_first_mask_is_kept_through_later_changes()
    {
        var memory = new MaskMemory(Path);
        memory.Keep([new AppliedVm().Apply()]);
        memory.Keep([new AppliedVm(thread => thread with { Affinity = CpuSet.Of(8) }).Apply()]);

        Assert.All(memory.Load().Values, before => Assert.Equal("0-1,8", $"{before.Mask}"));
        Assert.Null(memory.Problem);
    }

    [Theory]
    [InlineData("""{"version":2,"threads":[]}""")]
    [InlineData("""{"version":1,"threads":[""")]
    public void A_file_that_cant_be_understood_is_said_and_stays_as_it_is(string content)
    {
        File.WriteAllText(Path, content);
        var memory = new MaskMemory(Path);

        memory.Keep([new AppliedVm().Apply()]);

        Assert.StartsWith($"{Path}: ", memory.Problem);
        Assert.Equal(content, File.ReadAllText(Path));
        Assert.Throws<StateException>(memory.Load);
    }

    /// <summary>Two passes in a row are told as one, and the thread's mask from before the first is the one kept.</summary>
    [Fact]
    public void Of_passes_told_as_one_what_the_first_found_is_kept()
    {
        var first = new AppliedVm().Apply();
        var second = AppliedVm.Pinned().Apply();
        Assert.All(second.Threads, thread => Assert.Equal(Outcome.AlreadyRight, thread.Outcome));

        var whole = second.After(first);

        Assert.All(whole.Threads, thread => Assert.Equal(Outcome.Applied, thread.Outcome));
        Assert.Equal(first.DescribeChanges(), whole.DescribeChanges());
        Assert.Same(second, second.After(second));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
