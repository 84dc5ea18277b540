package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// testCase is values, and the manifests that they should come to: overlays one on the other, and a kustomization on top.
type testCase struct {
	Values        map[string]interface{} `json:"values"`
	Namespace     string                 `json:"namespace"`
	Overlays      []string               `json:"overlays"`
	Kustomization map[string]interface{} `json:"kustomization"`
	// What the schema has to say, where it refuses them.
	Refused string `json:"refused"`
}

// checkCases renders the chart of a deploy folder with each case's values. The folder is written to.
func checkCases(deploy, casesPath string) {
	chart := filepath.Join(deploy, "helm/pinagent")
	var cases []testCase
	read(casesPath, &cases)
	tried := map[string]bool{}
	for _, one := range cases {
		about, err := yaml.Marshal(one.Values)
		check(err)
		failed := func(problems ...string) {
			wrong(append([]string{"values:\n" + string(about)}, problems...)...)
		}
		namespace := one.Namespace
		if namespace == "" {
			namespace = "pinagent"
		}
		leaves("", one.Values, tried)
		values := chartValues(chart, one.Values)
		complaints := strings.Join(schemaProblems(chart, values), "\n")
		if one.Refused != "" {
			if !strings.Contains(complaints, one.Refused) {
				failed(fmt.Sprintf("expected the schema to say %q, found %q", one.Refused, complaints))
			}
			continue
		}
		if complaints != "" {
			failed(complaints)
		}
		rendered := objects("the chart", render(chart, namespace, values, false))
		expected := objects("the manifests", kustomize(deploy, one))
		if problems := compare(rendered, expected); len(problems) > 0 {
			failed(problems...)
		}
		if notes := render(chart, namespace, values, true); !strings.Contains(notes, "namespace "+namespace+" ") {
			failed("NOTES.txt: expected the namespace in it")
		}
	}
	own := map[string]bool{}
	defaults := map[string]interface{}{}
	read(filepath.Join(chart, "values.yaml"), &defaults)
	leaves("", defaults, own)
	for value := range own {
		if !tried[value] {
			wrong(fmt.Sprintf("%s: expected a case with it for every value of values.yaml", value))
		}
	}
	fmt.Printf("%d cases\n", len(cases))
}

// leaves notes the names of all values.
func leaves(path string, value interface{}, into map[string]bool) {
	if inner, ok := value.(map[string]interface{}); ok && len(inner) > 0 {
		for key, value := range inner {
			into[path+"."+key] = true
			leaves(path+"."+key, value, into)
		}
	}
}

func kustomize(deploy string, one testCase) string {
	stack := filepath.Join(deploy, "stack")
	check(os.RemoveAll(stack))
	below := "../../base"
	for _, overlay := range one.Overlays {
		to := filepath.Join(stack, overlay)
		files, err := filepath.Glob(filepath.Join(deploy, "overlays", overlay, "*"))
		check(err)
		check(os.MkdirAll(to, 0o755))
		for _, file := range files {
			text, err := os.ReadFile(file)
			check(err)
			text = bytes.Replace(text, []byte("- ../../base\n"), []byte("- "+below+"\n"), 1)
			check(os.WriteFile(filepath.Join(to, filepath.Base(file)), text, 0o644))
		}
		below = "../" + overlay
	}
	top := map[string]interface{}{}
	for key, value := range one.Kustomization {
		top[key] = value
	}
	more, _ := top["resources"].([]interface{})
	top["resources"] = append([]interface{}{below}, more...)
	text, err := yaml.Marshal(top)
	check(err)
	last := filepath.Join(stack, "last")
	check(os.MkdirAll(last, 0o755))
	check(os.WriteFile(filepath.Join(last, "kustomization.yaml"), text, 0o644))
	// annotate-pods is a file without a kustomization.
	command := exec.Command("kubectl", "kustomize", "--load-restrictor", "LoadRestrictionsNone", last)
	command.Stderr = os.Stderr
	made, err := command.Output()
	check(err)
	return string(made)
}
