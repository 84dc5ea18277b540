using PinAgent.Observe.Vmi;
using Xunit;

namespace PinAgent.Tests.Observe.Vmi;

/// <summary>Files and folders given with <c>--vmi</c>, KubeVirt's own among them.</summary>
public sealed class VmiFolderTests : IDisposable
{
    private readonly FakeHost _host = new();

    [Fact]
    public void Reads_every_example_of_KubeVirt()
    {
        var vmis = VmiFile.ReadAll(Fixtures.PathOf("kubevirt/examples"));

        Assert.Equal(10, vmis.Length);
        Assert.All(vmis, vmi => Assert.Null(vmi.Namespace));
        Assert.True(
            vmis.Single(vmi => vmi.Spec.DedicatedCpuPlacement)
                is { Name: "vmi-fedora", Spec.IsolateEmulatorThread: true }
        );
        Assert.DoesNotContain(
            vmis,
            vmi => vmi.Spec.NumaPassthrough || vmi.Spec.HasSupplementalIoThreads
        );
        Assert.Contains(vmis, vmi => vmi.Name == "vmi-windows");
    }

    [Theory]
    [InlineData("VirtualMachine")]
    [InlineData("VirtualMachineInstance")]
    public void Reads_objects_with_every_field_set(string kind) =>
        Assert.True(
            Assert.Single(VmiFile.ReadAll(Fixtures.PathOf($"kubevirt/kubevirt.io.v1.{kind}.yaml")))
                is {
                    Namespace: "namespaceValue",
                    Name: "nameValue",
                    Spec:
                    {
                        DedicatedCpuPlacement: true,
                        IsolateEmulatorThread: true,
                        NumaPassthrough: true,
                        RealtimeMask: "maskValue",
                    },
                }
        );

    [Fact]
    public void Reads_a_folders_YAML_and_JSON_files_by_name()
    {
        _host
            .Write("vmis/b.yml", Vmi("b"))
            .Write("vmis/c.json", """{"kind":"VirtualMachineInstance","metadata":{"name":"c"}}""")
            .Write("vmis/a.yaml", Vmi("a1") + "---\n" + Vmi("a2"))
            .Write("vmis/kubevirt.yaml", "kind: KubeVirt\n")
            .Write("vmis/README.md", "not: [yaml")
            .Write("vmis/old.yaml.bak", Vmi("old"))
            .Write("vmis/below/d.yaml", Vmi("d"));

        Assert.Equal(
            ["a1", "a2", "b", "c"],
            VmiFile.ReadAll(_host.PathOf("vmis")).Select(vmi => vmi.Name)
        );
    }

    [Fact]
    public void Reads_a_named_file_whatever_its_extension()
    {
        _host.Write("vm1.txt", Vmi("vm1"));

        Assert.Equal("vm1", Assert.Single(VmiFile.ReadAll(_host.PathOf("vm1.txt"))).Name);
    }

    [Fact]
    public void Names_the_broken_file_of_a_folder()
    {
        _host.Write("vmis/a.yaml", Vmi("a")).Write("vmis/b.yaml", "a: [\n");

        var problem = Assert.Throws<InvalidDataException>(() =>
            VmiFile.ReadAll(_host.PathOf("vmis"))
        );

        Assert.Contains(_host.PathOf("vmis/b.yaml"), problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nothing.yaml")]
    [InlineData("no/such/folder")]
    public void Names_a_file_that_isnt_there(string name)
    {
        var problem = Assert.Throws<InvalidDataException>(() =>
            VmiFile.ReadAll(_host.PathOf(name))
        );

        Assert.StartsWith(
            $"--vmi {_host.PathOf(name)}: ",
            problem.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Refuses_what_has_no_VMI_in_it()
    {
        _host.Folder("empty");
        string[] paths =
        [
            Fixtures.PathOf("kubevirt/kubevirt.io.v1.KubeVirt.yaml"),
            _host.PathOf("empty"),
        ];

        foreach (var path in paths)
        {
            Assert.Equal(
                $"--vmi {path}: expected a VirtualMachineInstance or a VirtualMachine, found none",
                Assert.Throws<InvalidDataException>(() => VmiFile.ReadAll(path)).Message
            );
        }
    }

    public void Dispose() => _host.Dispose();

    private static string Vmi(string name) =>
        $"kind: VirtualMachineInstance\nmetadata: {{name: {name}}}\n";
}
