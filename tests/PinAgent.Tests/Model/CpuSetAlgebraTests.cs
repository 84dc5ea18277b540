using CsCheck;
using PinAgent.Model.Cpu;
using Xunit;

namespace PinAgent.Tests.Model;

/// <summary>Sets of CPUs against .NET's own sets, on random ids around the ends of the mask's words.</summary>
public sealed class CpuSetAlgebraTests
{
    private static readonly Gen<HashSet<int>> Ids = Gen.OneOf(
        Gen.Int[0, 8],
        Gen.Int[60, 70],
        Gen.Int[120, 130],
        Gen.Int[1020, 1030],
        Gen.Int[0, 1535],
        Gen.Int[CpuSet.MaxId - 2, CpuSet.MaxId]
    ).HashSet[0, 40];

    private static readonly Gen<(HashSet<int>, HashSet<int>)> Pairs = Gen.Select(Ids, Ids);

    [Fact]
    public void Reads_back_what_it_writes() =>
        Ids.Sample(ids =>
        {
            var cpus = CpuSet.Of(ids);
            Assert.Equal(ids.Order(), cpus);
            Assert.Equal(cpus, CpuSet.Parse(cpus.ToString()));
            Assert.Equal(cpus, CpuSet.FromMask(cpus.Mask));
            Assert.True(cpus.EqualsMask(cpus.Mask));
            Assert.True(cpus.EqualsMask([.. cpus.Mask, 0, 0]));
        });

    [Fact]
    public void Joins_sets() =>
        Check((a, b) => a.Union(b), (a, b) => a.UnionWith(b), isSymmetric: true);

    [Fact]
    public void Finds_what_sets_share() =>
        Check((a, b) => a.Intersect(b), (a, b) => a.IntersectWith(b), isSymmetric: true);

    [Fact]
    public void Takes_one_set_from_another() =>
        Check((a, b) => a.Except(b), (a, b) => a.ExceptWith(b), isSymmetric: false);

    [Fact]
    public void Answers_as_sets_do() =>
        Pairs.Sample(
            (a, b) =>
            {
                var (left, right) = (CpuSet.Of(a), CpuSet.Of(b));
                Assert.Equal(a.Count, left.Count);
                Assert.Equal(a.SetEquals(b), left.Equals(right));
                Assert.Equal(a.SetEquals(b), left.EqualsMask(right.Mask));
                Assert.Equal(a.IsSubsetOf(b), left.IsSubsetOf(right));
                Assert.Equal(a.Overlaps(b), left.Overlaps(right));
                Assert.True(left.Intersect(right).IsSubsetOf(right));
                Assert.True(left.IsSubsetOf(left.Union(right)));
                Assert.False(left.Except(right).Overlaps(right));
                Assert.All(b, id => Assert.Equal(a.Contains(id), left.Contains(id)));
            }
        );

    private static void Check(
        Func<CpuSet, CpuSet, CpuSet> operation,
        Action<HashSet<int>, HashSet<int>> expected,
        bool isSymmetric
    ) =>
        Pairs.Sample(
            (a, b) =>
            {
                var (left, right) = (CpuSet.Of(a), CpuSet.Of(b));
                var model = a.ToHashSet();
                expected(model, b);

                var result = operation(left, right);

                Assert.Equal(CpuSet.Of(model), result);
                Assert.Equal(model.Count, result.Count);
                Assert.True(result.Mask.IsEmpty || result.Mask[^1] != 0);
                Assert.Equal(a.Order(), left);
                Assert.Equal(b.Order(), right);
                if (isSymmetric)
                {
                    Assert.Equal(result, operation(right, left));
                }
            }
        );
}
