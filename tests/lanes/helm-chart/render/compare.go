package main

import (
	"fmt"
	"reflect"
	"regexp"
	"sort"

	"sigs.k8s.io/yaml"
)

var separator = regexp.MustCompile(`(?m)^---\s*$`)

// objects reads the objects of a text, by kind, namespace and name.
func objects(source, text string) map[string]map[string]interface{} {
	found := map[string]map[string]interface{}{}
	for _, document := range separator.Split(text, -1) {
		object := map[string]interface{}{}
		if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
			check(fmt.Errorf("%s: %v\n%s", source, err, document))
		}
		if len(object) == 0 {
			continue
		}
		about, _ := object["metadata"].(map[string]interface{})
		name := fmt.Sprintf("%v %v/%v", object["kind"], about["namespace"], about["name"])
		if _, twice := found[name]; twice {
			wrong(fmt.Sprintf("%s: %s is there twice", source, name))
		}
		// How a settings file is written doesn't matter.
		if data, ok := object["data"].(map[string]interface{}); ok {
			var settings interface{}
			check(yaml.UnmarshalStrict([]byte(fmt.Sprint(data["config.yaml"])), &settings))
			data["config.yaml"] = settings
		}
		found[name] = object
	}
	return found
}

// differences says where two values differ.
func differences(path string, found, expected interface{}) []string {
	if reflect.DeepEqual(found, expected) {
		return nil
	}
	left, leftIsMap := found.(map[string]interface{})
	right, rightIsMap := expected.(map[string]interface{})
	if leftIsMap && rightIsMap {
		var all []string
		keys := map[string]bool{}
		for key := range left {
			keys[key] = true
		}
		for key := range right {
			keys[key] = true
		}
		for key := range keys {
			all = append(all, differences(path+"."+key, left[key], right[key])...)
		}
		return all
	}
	one, oneIsList := found.([]interface{})
	other, otherIsList := expected.([]interface{})
	if oneIsList && otherIsList && len(one) == len(other) {
		var all []string
		for i := range one {
			all = append(all, differences(fmt.Sprintf("%s[%d]", path, i), one[i], other[i])...)
		}
		return all
	}
	return []string{fmt.Sprintf("%s: expected %v, found %v", path, expected, found)}
}

// named makes maps of the lists of a pod in which names matter and the order doesn't.
func named(value interface{}) interface{} {
	switch value := value.(type) {
	case map[string]interface{}:
		for key, inner := range value {
			value[key] = named(inner)
		}
	case []interface{}:
		byName := map[string]interface{}{}
		for i, inner := range value {
			value[i] = named(inner)
			item, _ := value[i].(map[string]interface{})
			for _, key := range []string{"mountPath", "name"} {
				if name, ok := item[key].(string); ok {
					byName[name] = value[i]
					break
				}
			}
		}
		if len(byName) == len(value) && len(value) > 0 {
			return byName
		}
	}
	return value
}

// compare says where the chart's objects aren't the manifests'. Helm makes the namespace itself.
func compare(rendered, expected map[string]map[string]interface{}) []string {
	var all []string
	for name, object := range expected {
		if object["kind"] == "Namespace" {
			continue
		}
		if _, ok := rendered[name]; !ok {
			all = append(all, name+": the chart hasn't got it")
			continue
		}
		all = append(all, differences(name, named(rendered[name]), named(object))...)
	}
	for name := range rendered {
		if _, ok := expected[name]; !ok {
			all = append(all, name+": only the chart has it")
		}
	}
	sort.Strings(all)
	return all
}
