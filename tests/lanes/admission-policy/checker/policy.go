package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/cel/environment"
	"sigs.k8s.io/yaml"
)

// The version that deploy/admission/README.md asks for: an expression that needs a later one doesn't compile.
var oldest = version.MajorMinor(1, 30)

// A policy, compiled as the API server compiles it when it is created.
type policy struct {
	validator validating.Validator
}

// A request is what the API server would ask the policy about.
type request struct {
	Operation string                 `json:"operation"`
	Resource  string                 `json:"resource"`
	Object    map[string]interface{} `json:"object"`
	OldObject map[string]interface{} `json:"oldObject"`
	User      struct {
		Name  string              `json:"name"`
		Extra map[string][]string `json:"extra"`
	} `json:"user"`
}

// A verdict is what comes of it: messages of what is denied, in the policy's order.
type verdict struct {
	Matched bool
	Denied  []string
	// What couldn't be evaluated. The API server refuses the object then, and says this instead of a reason.
	Errors []string
}

func readPolicy(path string) (*policy, []string) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, []string{err.Error()}
	}
	var object admissionregistration.ValidatingAdmissionPolicy
	if err := yaml.UnmarshalStrict(text, &object); err != nil {
		return nil, []string{err.Error()}
	}
	return compile(&object)
}

// compile does what compilePolicy of the API server's plug-in does, with the errors that its registry tells.
func compile(object *admissionregistration.ValidatingAdmissionPolicy) (*policy, []string) {
	compiler, err := cel.NewCompositedCompiler(environment.MustBaseEnvSet(oldest))
	if err != nil {
		return nil, []string{err.Error()}
	}
	spec := object.Spec
	declared := cel.OptionalVariableDeclarations{HasParams: spec.ParamKind != nil, HasAuthorizer: true}
	withoutAuthorizer := cel.OptionalVariableDeclarations{HasParams: declared.HasParams}
	var problems []string
	for _, one := range spec.Variables {
		variable := &validating.Variable{Name: one.Name, Expression: one.Expression}
		if result := compiler.CompileAndStoreVariable(variable, declared, environment.NewExpressions); result.Error != nil {
			problems = append(problems, fmt.Sprintf("variable %s: %s", one.Name, oneLine(result.Error)))
		}
	}

	var conditions, validations, messages []cel.ExpressionAccessor
	for i := range spec.MatchConditions {
		conditions = append(conditions, (*matchconditions.MatchCondition)(&spec.MatchConditions[i]))
	}
	for _, one := range spec.Validations {
		validations = append(validations, &validating.ValidationCondition{
			Expression: one.Expression, Message: one.Message, Reason: one.Reason,
		})
		var message cel.ExpressionAccessor
		if one.MessageExpression != "" {
			message = &validating.MessageExpressionCondition{MessageExpression: one.MessageExpression}
		}
		messages = append(messages, message)
	}
	evaluator := func(what string, list []cel.ExpressionAccessor, variables cel.OptionalVariableDeclarations) cel.ConditionEvaluator {
		compiled := compiler.CompileCondition(list, variables, environment.NewExpressions)
		for _, err := range compiled.CompilationErrors() {
			problems = append(problems, fmt.Sprintf("%s: %s", what, oneLine(err)))
		}
		return compiled
	}
	matcher := matchconditions.NewMatcher(
		evaluator("match condition", conditions, declared), spec.FailurePolicy, "policy", "validate", object.Name)
	return &policy{validating.NewValidator(
		evaluator("validation", validations, declared),
		matcher,
		evaluator("audit annotation", nil, declared),
		evaluator("message", messages, withoutAuthorizer),
		spec.FailurePolicy,
		nil,
	)}, problems
}

func (p *policy) judge(asked request) verdict {
	object, old := wrap(asked.Object), wrap(asked.OldObject)
	kind := object.GetObjectKind().GroupVersionKind()
	resource := schema.GroupVersionResource{Group: kind.Group, Version: kind.Version, Resource: asked.Resource}
	named := object.(*unstructured.Unstructured)
	who := &user.DefaultInfo{Name: asked.User.Name, Extra: asked.User.Extra}
	attributes := admission.NewAttributesRecord(object, old, kind, named.GetNamespace(), named.GetName(), resource, "",
		admission.Operation(asked.Operation), nil, false, who)
	versioned := &admission.VersionedAttributes{
		Attributes: attributes, VersionedObject: object, VersionedOldObject: old, VersionedKind: kind,
	}
	result := p.validator.Validate(
		context.Background(), resource, versioned, nil, nil, celconfig.RuntimeCELCostBudget, nil)

	// No decision at all is the plug-in's way to say that the match conditions aren't met.
	answer := verdict{Matched: len(result.Decisions) > 0, Denied: []string{}}
	for _, decision := range result.Decisions {
		switch decision.Evaluation {
		case validating.EvalDeny:
			answer.Denied = append(answer.Denied, decision.Message)
		case validating.EvalError:
			answer.Errors = append(answer.Errors, decision.Message)
		}
	}
	return answer
}

// A nil interface, and not a nil pointer in one: the plug-in asks whether there is an old object.
func wrap(object map[string]interface{}) runtime.Object {
	if object == nil {
		return nil
	}
	return &unstructured.Unstructured{Object: object}
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
