package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// The resources of the kinds that are asked about.
var resources = map[string]string{
	"VirtualMachine":         "virtualmachines",
	"VirtualMachineInstance": "virtualmachineinstances",
	"Node":                   "nodes",
}

// What is expected, and what isn't a list of causes or messages.
const (
	notMatched = "not matched"
	bySchema   = "refused by the schema"
)

type table struct {
	policy                  *policy
	schemas                 schemas
	passed, failed, skipped int
}

type expectation struct {
	Valid  *bool `json:"valid"`
	Causes []struct {
		Field  string `json:"field"`
		Reason string `json:"reason"`
	} `json:"causes"`
	// "schema" where the API server's schema refuses it first, "skipped" where it differs for a reason.
	Policy string `json:"policy"`
}

// fixtures goes through files of two documents, an object that is created and what is expected of it.
func (t *table) fixtures(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("%s: no fixtures", folder)
	}
	for _, file := range files {
		documents, err := readDocuments(file)
		if err != nil {
			return err
		}
		if len(documents) != 2 {
			return fmt.Errorf("%s: expected an object and its expectation, found %d documents", file, len(documents))
		}
		var object map[string]interface{}
		var expected expectation
		if err := decode(documents[0], &object); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := decode(documents[1], &expected); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		switch {
		case expected.Policy == "skipped":
			t.skipped++
		case expected.Policy == "schema":
			t.compare(name, t.messages(request{Object: object}), []string{bySchema})
		case expected.Valid == nil:
			t.compare(name, t.messages(request{Object: object}), []string{notMatched})
		default:
			causes := []string{}
			for _, cause := range expected.Causes {
				causes = append(causes, cause.Field+": "+cause.Reason)
			}
			t.compare(name, t.messages(request{Object: object}), causes)
		}
	}
	return nil
}

// requests goes through a list of requests, each with the beginnings of the messages that it is denied with. One may be
// told by what is set in a copy of the list's base instead of an object.
func (t *table) requests(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var cases struct {
		Base     map[string]interface{} `json:"base"`
		Requests []struct {
			Name string `json:"name"`
			request
			Set      map[string]interface{} `json:"set"`
			Expected []string               `json:"expected"`
		} `json:"requests"`
	}
	if err := decode(text, &cases); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, one := range cases.Requests {
		if one.Object == nil {
			one.Object = runtime.DeepCopyJSON(cases.Base)
		}
		for path, value := range one.Set {
			if err := unstructured.SetNestedField(one.Object, value, strings.Split(path, ".")...); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
		if one.Name == "" {
			one.Name = fmt.Sprint(one.Set)
		}
		t.compare(one.Name, t.messages(one.request), one.Expected)
	}
	return nil
}

// messages is what a request is denied with.
func (t *table) messages(asked request) []string {
	if asked.Operation == "" {
		asked.Operation = "CREATE"
	}
	// The API server gives every object metadata.
	for _, object := range []map[string]interface{}{asked.Object, asked.OldObject} {
		if object != nil && object["metadata"] == nil {
			object["metadata"] = map[string]interface{}{}
		}
	}
	if asked.Resource == "" {
		kind, _ := asked.Object["kind"].(string)
		asked.Resource = resources[kind]
	}
	var refused []string
	if asked.Object, refused = t.schemas.admit(asked.Object); len(refused) > 0 {
		return []string{bySchema}
	}
	answer := t.policy.judge(asked)
	if !answer.Matched {
		return []string{notMatched}
	}
	result := answer.Denied
	for _, problem := range answer.Errors {
		result = append(result, "error: "+problem)
	}
	return result
}

// compare takes the beginning of a message, its field or its field and reason, for the message.
func (t *table) compare(name string, actual, expected []string) {
	same := slices.EqualFunc(actual, expected, func(message, beginning string) bool {
		return message == beginning || strings.HasPrefix(message, beginning+": ")
	})
	if same {
		t.passed++
		return
	}
	t.failed++
	fmt.Printf("%s: expected %q, found %q\n", name, expected, actual)
}

func readDocuments(file string) ([][]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var documents [][]byte
	for _, document := range strings.Split("\n"+string(text), "\n---\n") {
		documents = append(documents, []byte(document))
	}
	return documents, nil
}

// decode reads YAML as the API server has it: whole numbers are int64, all others are float64.
func decode(text []byte, into interface{}) error {
	data, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}
