// A program that is no QEMU and calls its threads as it likes, as any program in a pod can:
//   PinAgent.DummyVm -name guest=x -smp 1 --threads 'CPU 0/KVM;IO iothread1'
// Prints "ready" when its threads have their names, and ends when its standard input does.
var names = args[Array.IndexOf(args, "--threads") + 1].Split(';');
using var named = new CountdownEvent(names.Length);
using var done = new ManualResetEventSlim();
foreach (var name in names)
{
    new Thread(() =>
    {
        named.Signal();
        done.Wait();
    })
    {
        Name = name,
        IsBackground = true,
    }.Start();
}

named.Wait();
Console.WriteLine("ready");
while (Console.ReadLine() is not null)
{
    // Nothing is asked of it but to stay.
}

done.Set();
