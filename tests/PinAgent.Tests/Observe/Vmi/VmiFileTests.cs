using PinAgent.Model.Kubernetes;
using PinAgent.Observe.Vmi;
using Xunit;

namespace PinAgent.Tests.Observe.Vmi;

/// <summary>VMIs in files, as people write them and as kubectl prints them.</summary>
public sealed class VmiFileTests
{
    private const string Head = "kind: VirtualMachineInstance\nmetadata: {name: vm1}\n";

    [Fact]
    public void Reads_the_fields_that_decide_about_pinning()
    {
        const string Yaml = """
            apiVersion: kubevirt.io/v1
            kind: VirtualMachineInstance
            metadata:
              name: vm1
              namespace: prod
              annotations:
                alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity: ""
            spec:
              domain:
                ioThreadsPolicy: supplementalPool
                ioThreads: {supplementalPoolThreadCount: 2}
                cpu:
                  cores: 4
                  dedicatedCpuPlacement: true
                  isolateEmulatorThread: true
                  numa: {guestMappingPassthrough: {}}
            """;

        Assert.Equal(
            [Everything.Asking(spec => spec with { Cores = 4, SupplementalPoolThreadCount = 2 })],
            VmiFile.Parse(Yaml, "vm1.yaml")
        );
    }

    [Fact]
    public void Reads_JSON()
    {
        const string Json = """
            {"apiVersion":"kubevirt.io/v1","kind":"VirtualMachineInstance","metadata":{"name":"vm1","namespace":"prod",
             "annotations":{"alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity":"true"}},
             "spec":{"domain":{"ioThreadsPolicy":"supplementalPool","cpu":{"dedicatedCpuPlacement":true,
              "isolateEmulatorThread":true,"numa":{"guestMappingPassthrough":{}}}}}}
            """;

        Assert.Equal([Everything], VmiFile.Parse(Json, "vm1.json"));
    }

    [Fact]
    public void Reads_a_VirtualMachines_template_under_the_machines_name()
    {
        const string Yaml = """
            kind: VirtualMachine
            metadata: {name: vm1, namespace: prod}
            spec:
              template:
                metadata:
                  name: other
                  annotations: {alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity: ""}
                spec:
                  domain:
                    ioThreadsPolicy: supplementalPool
                    cpu: {dedicatedCpuPlacement: true, isolateEmulatorThread: true, numa: {guestMappingPassthrough: {}}}
            """;

        Assert.Equal(
            [Everything.Asking(spec => spec with { SpecPath = "spec.template.spec" })],
            VmiFile.Parse(Yaml, "vm.yaml")
        );
    }

    private static VmiFacts Everything =>
        new("prod", "vm1")
        {
            Spec = new VmiSpec
            {
                DedicatedCpuPlacement = true,
                IsolateEmulatorThread = true,
                EmulatorThreadCompleteToEvenParity = true,
                NumaPassthrough = true,
                IoThreadsPolicy = VmiSpec.SupplementalPool,
            },
        };

    [Fact]
    public void Reads_several_documents_and_passes_over_other_kinds()
    {
        const string Yaml = """
            ---
            kind: Service
            metadata: {name: web}
            ---
            # nothing
            ---
            kind: VirtualMachineInstance
            metadata: {name: a}
            ---
            metadata: {name: kindless}
            ---
            kind: VirtualMachine
            metadata: {name: b}
            ...
            """;

        Assert.Equal(["a", "b"], VmiFile.Parse(Yaml, "all.yaml").Select(vmi => vmi.Name));
    }

    [Theory]
    [InlineData("just text")]
    [InlineData("[a, list]")]
    public void Refuses_a_document_that_is_no_object(string document) =>
        Assert.StartsWith(
            "all.yaml, document 2: expected a Kubernetes object, found ",
            Assert
                .Throws<InvalidDataException>(() =>
                    VmiFile.Parse($"kind: Pod\n---\n{document}\n", "all.yaml")
                )
                .Message,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("")]
    [InlineData("\n# nothing\n")]
    [InlineData("---\n---\n")]
    [InlineData("kind: Pod\nmetadata: {}\n")]
    public void Finds_none_in_a_text_without_VMIs(string text) =>
        Assert.Empty(VmiFile.Parse(text, "x.yaml"));

    [Theory]
    [InlineData("")]
    [InlineData("spec:\n")]
    [InlineData("spec: {domain: {}}\n")]
    [InlineData("spec: {domain: {cpu: null}}\n")]
    [InlineData("spec: {domain: {cpu: {cores: 2}}}\n")]
    [InlineData("spec: {domain: {cpu: {dedicatedCpuPlacement: false}}}\n")]
    [InlineData("spec: {domain: {cpu: {dedicatedCpuPlacement: null}}}\n")]
    [InlineData("spec: {domain: {cpu: {dedicatedCpuPlacement: ~}}}\n")]
    [InlineData("spec: {domain: {cpu: {dedicatedCpuPlacement: }}}\n")]
    [InlineData("spec: {domain: {cpu: {numa: {guestMappingPassthrough: null}}}}\n")]
    [InlineData("spec: {domain: {ioThreadsPolicy: auto}}\n")]
    [InlineData("spec: {domain: {ioThreadsPolicy: null}}\n")]
    public void Takes_what_isnt_there_as_not_asked_for(string spec) =>
        Assert.True(
            Assert.Single(VmiFile.Parse(Head + spec, "vm1.yaml")).Spec
                is {
                    DedicatedCpuPlacement: false,
                    IsolateEmulatorThread: false,
                    EmulatorThreadCompleteToEvenParity: false,
                    NumaPassthrough: false,
                    HasSupplementalIoThreads: false,
                }
        );

    [Theory]
    [InlineData("True", true)]
    [InlineData("TRUE", true)]
    [InlineData("yes", true)]
    [InlineData("on", true)]
    [InlineData("False", false)]
    [InlineData("no", false)]
    [InlineData("off", false)]
    public void Reads_true_and_false_in_all_the_ways_kubectl_does(string text, bool expected) =>
        Assert.Equal(
            expected,
            Assert.Single(VmiFile.Parse(Dedicated(text), "vm1.yaml")).Spec.DedicatedCpuPlacement
        );

    [Theory]
    [InlineData("maybe")]
    [InlineData("1")]
    [InlineData("\"true\"")]
    [InlineData("'yes'")]
    [InlineData("[true]")]
    [InlineData("{}")]
    public void Refuses_other_values_for_true_or_false(string text)
    {
        var problem = Assert.Throws<InvalidDataException>(() =>
            VmiFile.Parse("---\nkind: Pod\n---\n" + Dedicated(text), "vm1.yaml")
        );

        Assert.StartsWith(
            "vm1.yaml, document 2: spec.domain.cpu.dedicatedCpuPlacement: expected true or false, found ",
            problem.Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("metadata: {name: vm1}\nspec: []\n", "spec")]
    [InlineData("metadata: {name: vm1}\nspec: {domain: text}\n", "spec.domain")]
    [InlineData("metadata: {name: vm1}\nspec: {domain: {cpu: 4}}\n", "spec.domain.cpu")]
    [InlineData("metadata: [name]\n", "metadata")]
    [InlineData("metadata: {name: vm1, annotations: text}\n", "metadata.annotations")]
    public void Refuses_a_value_where_a_mapping_belongs(string text, string field)
    {
        var problem = Assert.Throws<InvalidDataException>(() =>
            VmiFile.Parse("kind: VirtualMachineInstance\n" + text, "vm1.yaml")
        );

        Assert.StartsWith(
            $"vm1.yaml, document 1: {field}: expected an object, found ",
            problem.Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("kind: VirtualMachineInstance\n")]
    [InlineData("kind: VirtualMachineInstance\nmetadata: {}\n")]
    [InlineData("kind: VirtualMachineInstance\nmetadata: {name: }\n")]
    [InlineData("kind: VirtualMachineInstance\nmetadata: {name: \"\"}\n")]
    [InlineData("kind: VirtualMachineInstance\nmetadata: {generateName: vm-}\n")]
    public void Refuses_a_VMI_without_a_name(string text) =>
        Assert.Equal(
            "vm1.yaml, document 1, metadata: expected a name, found none",
            Assert.Throws<InvalidDataException>(() => VmiFile.Parse(text, "vm1.yaml")).Message
        );

    [Theory]
    [InlineData("a: [")]
    [InlineData("kind: VirtualMachineInstance\n\tmetadata: {}\n")]
    [InlineData("a: b: c\n")]
    [InlineData("ok: 1\nkind: *nowhere\n")]
    [InlineData("{\"kind\":\"VirtualMachineInstance\",")]
    [InlineData("same: 1\nsame: 2\n")]
    public void Refuses_a_text_that_isnt_YAML(string text) =>
        Assert.Matches(
            "^vm1\\.yaml: expected YAML or JSON: line [12]: .",
            Assert.Throws<InvalidDataException>(() => VmiFile.Parse(text, "vm1.yaml")).Message
        );

    [Fact]
    public void Says_in_which_line_a_text_isnt_YAML() =>
        Assert.StartsWith(
            "vm1.yaml: expected YAML or JSON: line 3: ",
            Assert
                .Throws<InvalidDataException>(() =>
                    VmiFile.Parse("ok: 1\nfine: 2\na: b: c\n", "vm1.yaml")
                )
                .Message,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("[")]
    [InlineData("{a: ")]
    [InlineData("- ")]
    public void Refuses_a_text_nested_so_deep_that_it_would_end_the_agent(string level)
    {
        var text = "a:\n  " + string.Concat(Enumerable.Repeat(level, 20_000));

        Assert.Equal(
            "deep.yaml: expected YAML or JSON: line 2: nested deeper than 200 levels",
            Assert.Throws<InvalidDataException>(() => VmiFile.Parse(text, "deep.yaml")).Message
        );
    }

    private static string Dedicated(string text) =>
        $"{Head}spec: {{domain: {{cpu: {{dedicatedCpuPlacement: {text}}}}}}}\n";
}
