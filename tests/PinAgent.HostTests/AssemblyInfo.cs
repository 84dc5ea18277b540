// The tests share one machine's CPUs, and each pins real processes to them.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
