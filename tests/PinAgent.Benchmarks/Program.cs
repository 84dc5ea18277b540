// Runs the benchmarks and prints their figures as Markdown; tests/benchmarks.sh builds what they need and cleans up.
//   PinAgent.Benchmarks AGENT PROGRAMS GROUP [--quick] [NAME...]
using PinAgent.Benchmarks;
using PinAgent.Benchmarks.Harness;

(string Name, Func<Bench, IEnumerable<Figure>> Run)[] all =
[
    ("start", Start.Run),
    ("placement", Placement.Run),
    ("pass", Pass.Run),
    ("birth", Birth.Run),
    ("drift", Drift.Run),
    ("libvirt", Libvirt.Run),
    ("wakeup", WakeUp.Run),
    ("see", See.Run),
    ("idle", Idle.Run),
];

var bench = new Bench(args[0], args[1], args[2], args.Contains("--quick"));
var names = args[3..].Where(argument => argument != "--quick").ToList();
var unknown = names.Except(all.Select(one => one.Name)).ToList();
if (unknown.Count > 0)
{
    await Console.Error.WriteLineAsync(
        $"benchmarks: expected {string.Join(", ", all.Select(one => one.Name))}, found {unknown[0]}"
    );
    return 2;
}

var report = new Report();
var failed = 0;
foreach (var (name, run) in all.Where(one => names.Count == 0 || names.Contains(one.Name)))
{
    report.Begin(name);
    try
    {
        foreach (var figure in run(bench))
        {
            report.Add(figure);
        }
    }
    catch (Exception problem)
        when (problem is InvalidOperationException or IOException or TimeoutException)
    {
        // The others' figures are worth having all the same.
        await Console.Error.WriteLineAsync($"benchmarks: {name}: {problem}");
        failed = 1;
    }
}

Console.Write(report.ToMarkdown(bench.IsQuick));
return failed;
