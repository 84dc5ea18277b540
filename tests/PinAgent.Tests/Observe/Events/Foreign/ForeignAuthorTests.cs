using PinAgent.Observe.Events.Foreign;
using Xunit;

namespace PinAgent.Tests.Observe.Events.Foreign;

public sealed class ForeignAuthorTests
{
    private const string Uid = "6d5f1a3c-8a57-4c1e-9a51-0d6c7d1c2b3a";

    [Theory]
    [InlineData("/user.slice/user-1000.slice/session-3.scope", "user-1000.slice")]
    [InlineData("/system.slice/cron.service", "cron.service")]
    [InlineData(
        "/user.slice/user-1000.slice/user@1000.service/app.slice/vte.scope",
        "user@1000.service"
    )]
    [InlineData("/process_api/abc", "abc")]
    [InlineData($"/kubepods/burstable/pod{Uid}/0123", $"pod {Uid}")]
    [InlineData(
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod6d5f1a3c_8a57_4c1e_9a51_0d6c7d1c2b3a.slice/crio-0123.scope",
        $"pod {Uid}"
    )]
    [InlineData("/kubepods/podother/0123", "0123")]
    [InlineData("", null)]
    [InlineData("/", null)]
    public void The_place_is_the_pod_or_the_unit(string cgroup, string? place) =>
        Assert.Equal(place, ForeignAuthor.PlaceOf(cgroup, isWhole: true));

    [Fact]
    public void Whoever_calls_a_cgroup_below_its_own_like_anothers_pod_stays_in_its_own() =>
        Assert.Equal(
            $"pod {Uid}",
            ForeignAuthor.PlaceOf(
                $"/kubepods/pod{Uid}/0123/pod00000000-0000-0000-0000-000000000000",
                isWhole: true
            )
        );

    [Fact]
    public void A_path_whose_begin_is_missing_names_no_pod() =>
        Assert.Equal(
            $"…/pod{Uid}/a/b/c/d/e",
            ForeignAuthor.PlaceOf($"/pod{Uid}/a/b/c/d/e", isWhole: false)
        );

    [Fact]
    public void An_author_is_said_on_one_line_whatever_it_calls_itself()
    {
        var author = ForeignAuthor.Of("x\u001b[2J\n", 812, "/user.slice/user-1000.slice", true);

        Assert.Equal("x\ufffd[2J\ufffd (pid 812, user-1000.slice)", $"{author}");
        Assert.Equal("taskset (pid 812)", $"{ForeignAuthor.Of("taskset", 812, "", true)}");
    }
}
