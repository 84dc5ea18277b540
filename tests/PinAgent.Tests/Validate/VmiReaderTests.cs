using CsCheck;
using PinAgent.Model.Kubernetes;
using PinAgent.Observe.Vmi;
using Xunit;

namespace PinAgent.Tests.Validate;

public sealed class VmiReaderTests
{
    public static TheoryData<string> PublishedObjects =>
        [
            .. Directory
                .EnumerateFiles(
                    RepositoryFiles.Path("tests/fixtures/kubevirt"),
                    "*.yaml",
                    SearchOption.AllDirectories
                )
                .Order(StringComparer.Ordinal)
                .Select(path =>
                    Path.GetRelativePath(RepositoryFiles.Path("tests/fixtures/kubevirt"), path)
                ),
        ];

    [Theory]
    [MemberData(nameof(PublishedObjects))]
    public void KubeVirts_published_objects_all_parse(string file)
    {
        var text = RepositoryFiles.Text($"tests/fixtures/kubevirt/{file}");

        var document = Assert.Single(VmiReader.Read(text, file));

        Assert.Empty(document.Causes);
        Assert.Equal(document.Kind == "KubeVirt", document.IsSkipped);
        Assert.Equal(document.IsSkipped, document.Vmi is null);
    }

    [Fact]
    public void Every_field_of_a_published_VMI_is_taken()
    {
        var text = RepositoryFiles.Text(
            "tests/fixtures/kubevirt/kubevirt.io.v1.VirtualMachineInstance.yaml"
        );

        var vmi = Assert.Single(VmiReader.Read(text, "published")).Vmi!;

        Assert.Equal(
            new VmiSpec
            {
                IsStored = true,
                Architecture = "architectureValue",
                DedicatedCpuPlacement = true,
                IsolateEmulatorThread = true,
                Sockets = 4294967289,
                Cores = 4294967291,
                Threads = 4294967289,
                MaxSockets = 4294967286,
                NumaPassthrough = true,
                Realtime = true,
                RealtimeMask = "maskValue",
                IoThreadsPolicy = "ioThreadsPolicyValue",
                SupplementalPoolThreadCount = vmi.SupplementalPoolThreadCount,
                GuestMemory = Quantity.Parse("0"),
                HasHugepages = true,
                PageSize = "pageSizeValue",
            },
            vmi
        );
    }

    [Fact]
    public void Documents_keep_their_numbers_and_other_kinds_are_skipped()
    {
        var documents = VmiReader.Read(
            """
            # a comment, and an empty document
            ---
            ---
            kind: VirtualMachineInstance
            metadata: {name: one, namespace: ns}
            spec: {domain: {}}
            ---
            kind: ConfigMap
            metadata: {name: two}
            ---
            apiVersion: example.com/v1
            kind: VirtualMachine
            metadata: {name: someone-elses}
            ---
            kind: VirtualMachine
            metadata: {name: three}
            spec: {template: {spec: {domain: {cpu: {sockets: 3}}}}}
            """,
            "text"
        );

        Assert.Equal(
            ["2 ns/one False", "3 /two True", "4 /someone-elses True", "5 /three False"],
            documents.Select(one => $"{one.Number} {one.Namespace}/{one.Name} {one.IsSkipped}")
        );
        Assert.Equal(3u, documents[3].Vmi!.Sockets);
        Assert.Equal("spec.template.spec", documents[3].Vmi!.SpecPath);
    }

    [Fact]
    public void One_document_that_contradicts_the_schema_leaves_the_others_alone()
    {
        var documents = VmiReader.Read(
            """
            {kind: VirtualMachineInstance, metadata: {name: bad}, spec: {domain: {cpu: 2}}}
            ---
            {kind: VirtualMachineInstance, metadata: {name: good}, spec: {domain: {cpu: {cores: 2}}}}
            """,
            "text"
        );

        Assert.Null(documents[0].Vmi);
        Assert.Equal(
            new Cause(
                "spec.domain.cpu",
                CauseReason.FieldValueTypeInvalid,
                "expected an object, found \"2\""
            ),
            Assert.Single(documents[0].Causes)
        );
        Assert.Equal(2u, documents[1].Vmi!.Cores);
    }

    [Fact]
    public void Lists_as_kubectl_prints_them_count_as_their_items()
    {
        var documents = VmiReader.Read(
            """
            {"apiVersion": "v1", "kind": "List", "items": [
              {"kind": "VirtualMachineInstance", "metadata": {"name": "one"}, "spec": {"domain": {}}},
              {"kind": "Pod", "metadata": {"name": "two"}}, 3]}
            {"kind": "VirtualMachineInstanceList", "items": []}
            {"kind": "VirtualMachineList", "items": {}}
            """,
            "text"
        );

        Assert.Equal(
            ["1 one", "1 two", "1 ", "3 "],
            documents.Select(one => $"{one.Number} {one.Name}")
        );
        Assert.Equal("items[2]", Assert.Single(documents[2].Causes).Field);
        Assert.Equal("items", Assert.Single(documents[3].Causes).Field);
    }

    [Fact]
    public void Json_with_tabs_and_paired_escapes_is_read_though_YAML_would_refuse_it()
    {
        var document = Assert.Single(
            VmiReader.Read(
                "\t{\n\t\"kind\":\"VirtualMachineInstance\",\"metadata\":{\"name\":\"a\\ud83d\\ude00\"},"
                    + "\"spec\":{\"domain\":{\"cpu\":{\"cores\":2},\"resources\":{\"limits\":{\"cpu\":2e0}}}}}",
                "text"
            )
        );

        Assert.Equal("a😀", document.Name);
        Assert.Equal(2u, document.Vmi!.Cores);
        Assert.Equal(Quantity.Parse("2"), document.Vmi!.CpuLimit);
    }

    [Theory]
    [InlineData("true", true)]
    [InlineData("yes", true)]
    [InlineData("On", true)]
    [InlineData("no", false)]
    [InlineData("~", false)]
    [InlineData("", false)]
    public void Flags_are_read_as_kubectl_reads_them(string text, bool expected)
    {
        var vmi = ReadCpu($"dedicatedCpuPlacement: {text}").Vmi;

        Assert.Equal(expected, vmi!.DedicatedCpuPlacement);
    }

    [Theory]
    [InlineData("dedicatedCpuPlacement: 'true'")]
    [InlineData("dedicatedCpuPlacement: maybe")]
    [InlineData("dedicatedCpuPlacement: 1")]
    [InlineData("dedicatedCpuPlacement: {}")]
    [InlineData("cores: '2'")]
    [InlineData("cores: 2.5")]
    [InlineData("cores: 0x2")]
    [InlineData("cores: 010")]
    [InlineData("cores: []")]
    [InlineData("cores: -1")]
    [InlineData("cores: 4294967296")]
    [InlineData("cores: 99999999999999999999999999999999999999999999")]
    [InlineData("numa: true")]
    [InlineData("numa: {guestMappingPassthrough: true}")]
    [InlineData("realtime: yes")]
    public void Values_that_the_schema_does_not_allow_are_causes(string field)
    {
        var document = ReadCpu(field);

        Assert.Null(document.Vmi);
        var cause = Assert.Single(document.Causes);
        Assert.StartsWith("spec.domain.cpu.", cause.Field);
        Assert.Matches("^expected .+, found .+$", cause.Message);
    }

    [Fact]
    public void Anchors_and_merged_maps_are_followed()
    {
        var documents = VmiReader.Read(
            """
            kind: VirtualMachineInstance
            metadata: {name: one}
            spec:
              shapes:
                - &small {sockets: 2, threads: 1}
                - &flags {dedicatedCpuPlacement: true, threads: 9}
              domain:
                cpu: {<<: [*small, *flags], sockets: 4}
            """,
            "text"
        );

        var vmi = Assert.Single(documents).Vmi!;
        Assert.Equal((4u, 1u, true), (vmi.Sockets, vmi.Threads, vmi.DedicatedCpuPlacement));
    }

    [Theory]
    [InlineData("a: [b", "line")]
    [InlineData("a: b\n\tc: d", "line")]
    [InlineData("a: 1\na: 2", "given twice")]
    [InlineData("{\"a\": 1, \"a\": 2}", "given twice")]
    [InlineData("{\"a\": \"\\ud83d\"}", "line")]
    [InlineData("a: !![", "line 1: text that isn't YAML")]
    [InlineData("? {\nen\t?", "line")]
    [InlineData("a: *nowhere", "names no earlier value")]
    [InlineData("a: &a [*a]", "names no earlier value")]
    [InlineData("? [a]\n: b", "expected a name")]
    [InlineData("<<: 1", "merges objects")]
    [InlineData("just text", "document 1: expected a Kubernetes object, found a single value")]
    [InlineData(
        "kind: Pod\n---\n- kind: Pod",
        "document 2: expected a Kubernetes object, found a list"
    )]
    public void What_is_no_YAML_is_refused_with_its_place(string text, string expected)
    {
        var problem = Assert.Throws<InvalidDataException>(() => VmiReader.Read(text, "vm.yaml"));

        Assert.StartsWith("vm.yaml", problem.Message);
        Assert.Contains(expected, problem.Message);
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{\"a\":")]
    [InlineData("- ")]
    public void Brackets_without_end_are_refused(string opening)
    {
        var text = string.Concat(Enumerable.Repeat(opening, 100_000));

        Assert.Throws<InvalidDataException>(() => VmiReader.Read(text, "deep"));
    }

    [Fact]
    public void No_text_at_all_brings_the_reader_down() =>
        Gen.String[Gen.Char["kind: VirtualMachineInstance\n\t{}[],-&*<|>'\"#?!%\\0u~"], 0, 60]
            .Sample(text =>
            {
                try
                {
                    _ = VmiReader.Read(text, "fuzz");
                }
                catch (InvalidDataException)
                {
                    // Said with its place.
                }
            });

    [Fact]
    public void Aliases_of_aliases_cost_nothing()
    {
        var lines = Enumerable
            .Range(1, 60)
            .Select(i => $"x{i}: &x{i} [{string.Join(',', Enumerable.Repeat($"*x{i - 1}", 10))}]");

        var documents = VmiReader.Read(
            $"x0: &x0 [lol]\n{string.Join('\n', lines)}\nkind: Pod",
            "laughs"
        );

        Assert.True(Assert.Single(documents).IsSkipped);
    }

    [Fact]
    public void Secrets_are_not_shown()
    {
        const string Secret = "hunter2";

        var document = Assert.Single(
            VmiReader.Read(
                $"""
                kind: VirtualMachineInstance
                metadata:
                  name: one
                spec:
                  domain:
                    cpu: [{Secret}]
                    resources:
                      limits:
                        password: {Secret}
                  volumes:
                  - cloudInitNoCloud:
                      userData: {Secret}
                """,
                "text"
            )
        );

        Assert.NotEmpty(document.Causes);
        Assert.DoesNotContain(document.Causes, cause => cause.Message.Contains(Secret));
        Assert.DoesNotContain(Secret, document.ToString());
    }

    [Fact]
    public void Files_for_run_give_the_facts_of_their_VMIs()
    {
        var vmis = VmiFile.Parse(
            """
            kind: Secret
            metadata: {name: none}
            ---
            kind: VirtualMachine
            metadata: {name: one, namespace: ns}
            spec:
              template:
                metadata: {annotations: {alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity: ""}}
                spec:
                  domain:
                    ioThreadsPolicy: supplementalPool
                    cpu:
                      dedicatedCpuPlacement: true
                      isolateEmulatorThread: true
                      numa: {guestMappingPassthrough: {}}
            """,
            "text"
        );

        Assert.Equal(
            new VmiFacts("ns", "one")
            {
                Spec = new VmiSpec
                {
                    SpecPath = "spec.template.spec",
                    DedicatedCpuPlacement = true,
                    IsolateEmulatorThread = true,
                    EmulatorThreadCompleteToEvenParity = true,
                    NumaPassthrough = true,
                    IoThreadsPolicy = VmiSpec.SupplementalPool,
                },
            },
            Assert.Single(vmis)
        );
    }

    [Theory]
    [InlineData(
        "kind: VirtualMachineInstance\nspec: {domain: {}}",
        "document 1, metadata: expected a name"
    )]
    [InlineData(
        "kind: VirtualMachineInstance\nmetadata: {name: x}\nspec: {domain: {cpu: {cores: two}}}",
        "document 1: spec.domain.cpu.cores: expected a whole number"
    )]
    public void Files_for_run_that_can_not_be_used_are_refused(string text, string expected)
    {
        var problem = Assert.Throws<InvalidDataException>(() => VmiFile.Parse(text, "vm.yaml"));

        Assert.StartsWith("vm.yaml, ", problem.Message);
        Assert.Contains(expected, problem.Message);
    }

    private static VmiDocument ReadCpu(string field) =>
        Assert.Single(
            VmiReader.Read(
                $"kind: VirtualMachineInstance\nmetadata: {{name: x}}\nspec:\n  domain:\n    cpu:\n      {field}\n",
                "text"
            )
        );
}
