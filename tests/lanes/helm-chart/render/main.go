// Renders a Helm chart, with what Helm renders charts with: Go's text/template, sprig, and a JSON schema for the values. It has
// of Helm's own functions those that this chart uses. It isn't Helm.
//
// Usage: render CHART NAMESPACE VALUES...   prints the objects
//
//	render --check DEPLOY CASES            fails, and says where, if a case's values don't come to the manifests named there
//
// Exits with 1 where the values aren't the schema's, or the objects differ; with 2 where something can't be read or rendered.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"github.com/xeipuuv/gojsonschema"
	"sigs.k8s.io/yaml"
)

type chartFiles struct{ folder string }

// Get is Helm's .Files.Get.
func (files chartFiles) Get(name string) string {
	text, err := os.ReadFile(filepath.Join(files.folder, name))
	check(err)
	return string(text)
}

type metadata struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	AppVersion string `json:"appVersion"`
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(2)
	}
}

func wrong(lines ...string) {
	fmt.Fprintln(os.Stderr, strings.Join(lines, "\n"))
	os.Exit(1)
}

func read(path string, into interface{}) {
	text, err := os.ReadFile(path)
	check(err)
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		check(fmt.Errorf("%s: %v", path, err))
	}
}

// merge lays maps over each other, as Helm does with values: a null takes a default away.
func merge(below, above map[string]interface{}) map[string]interface{} {
	for key, value := range above {
		inner, isMap := value.(map[string]interface{})
		under, wasMap := below[key].(map[string]interface{})
		switch {
		case value == nil:
			delete(below, key)
		case isMap && wasMap:
			below[key] = merge(under, inner)
		default:
			below[key] = value
		}
	}
	return below
}

// chartValues lays values over the chart's own.
func chartValues(chart string, values ...map[string]interface{}) map[string]interface{} {
	all := map[string]interface{}{}
	read(filepath.Join(chart, "values.yaml"), &all)
	for _, next := range values {
		all = merge(all, next)
	}
	return all
}

func schemaProblems(chart string, values map[string]interface{}) []string {
	schema, err := os.ReadFile(filepath.Join(chart, "values.schema.json"))
	check(err)
	result, err := gojsonschema.Validate(gojsonschema.NewBytesLoader(schema), gojsonschema.NewGoLoader(values))
	check(err)
	var problems []string
	for _, problem := range result.Errors() {
		problems = append(problems, problem.String())
	}
	return problems
}

func functions(root *template.Template) template.FuncMap {
	all := sprig.TxtFuncMap()
	// Helm takes these away.
	delete(all, "env")
	delete(all, "expandenv")
	all["toYaml"] = func(value interface{}) string {
		text, err := yaml.Marshal(value)
		check(err)
		return strings.TrimSuffix(string(text), "\n")
	}
	all["fromYaml"] = func(text string) map[string]interface{} {
		value := map[string]interface{}{}
		check(yaml.Unmarshal([]byte(text), &value))
		return value
	}
	all["include"] = func(name string, data interface{}) (string, error) {
		var text strings.Builder
		err := root.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	return all
}

// render gives the objects, or NOTES.txt.
func render(chart, namespace string, values map[string]interface{}, notes bool) string {
	about := struct {
		metadata
		APIVersion  string `json:"apiVersion"`
		Description string `json:"description"`
		Type        string `json:"type"`
		KubeVersion string `json:"kubeVersion"`
	}{}
	read(filepath.Join(chart, "Chart.yaml"), &about)

	root := template.New(about.Name)
	root.Funcs(functions(root)).Option("missingkey=zero")
	paths, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	check(err)
	sort.Strings(paths)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		check(err)
		_, err = root.New(filepath.Base(path)).Parse(string(text))
		check(err)
	}
	data := map[string]interface{}{
		"Values":  values,
		"Chart":   about.metadata,
		"Files":   chartFiles{chart},
		"Release": map[string]interface{}{"Name": about.Name, "Namespace": namespace, "Service": "Helm"},
	}
	var all strings.Builder
	for _, path := range paths {
		name := filepath.Base(path)
		if strings.HasPrefix(name, "_") || (name == "NOTES.txt") != notes {
			continue
		}
		var text strings.Builder
		check(root.ExecuteTemplate(&text, name, data))
		// Helm prints what a misspelt value leaves.
		if strings.Contains(text.String(), "<no value>") {
			check(fmt.Errorf("%s: a value that there isn't", name))
		}
		if !notes {
			all.WriteString("---\n")
		}
		all.WriteString(text.String() + "\n")
	}
	return all.String()
}

func main() {
	arguments := os.Args[1:]
	switch {
	case len(arguments) == 3 && arguments[0] == "--check":
		checkCases(arguments[1], arguments[2])
	case len(arguments) >= 2 && !strings.HasPrefix(arguments[0], "-"):
		var given []map[string]interface{}
		for _, file := range arguments[2:] {
			next := map[string]interface{}{}
			read(file, &next)
			given = append(given, next)
		}
		values := chartValues(arguments[0], given...)
		if problems := schemaProblems(arguments[0], values); len(problems) > 0 {
			wrong(problems...)
		}
		fmt.Print(render(arguments[0], arguments[1], values, false))
	default:
		check(fmt.Errorf("expected a chart and a namespace, found %v", arguments))
	}
}
