package main

import (
	"os"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// The schemas of kinds, used as the API server uses a custom resource definition's.
type schemas map[string]kindSchema

type kindSchema struct {
	structure *structural.Structural
	validator validation.SchemaValidator
}

// readSchemas reads a map from kinds to their openAPIV3Schema.
func readSchemas(path string) (schemas, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var kinds map[string]*apiextensionsv1.JSONSchemaProps
	if err := yaml.UnmarshalStrict(text, &kinds); err != nil {
		return nil, err
	}
	result := schemas{}
	for kind, external := range kinds {
		var internal apiextensions.JSONSchemaProps
		if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(external, &internal, nil); err != nil {
			return nil, err
		}
		structure, err := structural.NewStructural(&internal)
		if err != nil {
			return nil, err
		}
		validator, _, err := validation.NewSchemaValidator(&internal)
		if err != nil {
			return nil, err
		}
		result[kind] = kindSchema{structure, validator}
	}
	return result, nil
}

// admit returns the object as a policy sees it, without what the schema doesn't know and without nulls, and why the
// schema refuses it. A kind without a schema stays as it is.
func (s schemas) admit(object map[string]interface{}) (map[string]interface{}, []string) {
	kind, _ := object["kind"].(string)
	schema, known := s[kind]
	if !known {
		return object, nil
	}
	seen := runtime.DeepCopyJSON(object)
	pruning.Prune(seen, schema.structure, true)
	defaulting.PruneNonNullableNullsWithoutDefaults(seen, schema.structure)
	var refused []string
	for _, problem := range validation.ValidateCustomResource(nil, seen, schema.validator) {
		refused = append(refused, problem.Error())
	}
	return seen, refused
}
