package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"os"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/json"
)

type recordedVerdict struct {
	VMI      map[string]interface{} `json:"vmi"`
	Accepted bool                   `json:"accepted"`
	Causes   []struct {
		Field  string `json:"field"`
		Reason string `json:"reason"`
	} `json:"causes"`
}

// recorded compares with what KubeVirt said of objects. A VMI with dedicated CPUs must get the same verdict before and
// after KubeVirt's defaults, and the same causes after them, which is what KubeVirt judged. Of one without, the policy
// may leave more to KubeVirt, and must refuse nothing else.
func (t *table) recorded(file string) error {
	compressed, err := os.Open(file)
	if err != nil {
		return err
	}
	defer compressed.Close()
	text, err := gzip.NewReader(compressed)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}

	lines := bufio.NewScanner(text)
	lines.Buffer(nil, 1<<20)
	dedicated, others, left := 0, 0, 0
	for lines.Scan() {
		var one recordedVerdict
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		name := one.VMI["metadata"].(map[string]interface{})["name"].(string)
		var told []string
		for _, cause := range one.Causes {
			told = append(told, cause.Field+": "+cause.Reason)
		}
		expected := distinct(told)
		before := distinct(causes(t.messages(request{Object: one.VMI})))
		after := distinct(causes(t.messages(request{Object: withDefaults(one.VMI)})))
		var same bool
		if isDedicated(one.VMI) {
			dedicated++
			same = (len(before) == 0) == one.Accepted && slices.Equal(after, expected)
		} else {
			others++
			same = isPartOf(before, expected) && isPartOf(after, expected)
			if len(after) == 0 && !one.Accepted {
				left++
			}
		}
		if same {
			t.passed++
			continue
		}
		t.failed++
		fmt.Printf("%s: KubeVirt %q, the policy %q, after defaults %q\n", name, expected, before, after)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	fmt.Printf("%s: %d VMIs with dedicated CPUs, %d without, of which KubeVirt alone refuses %d\n", file, dedicated, others, left)
	return nil
}

func isDedicated(vmi map[string]interface{}) bool {
	value := interface{}(vmi)
	for _, name := range []string{"spec", "domain", "cpu", "dedicatedCpuPlacement"} {
		fields, _ := value.(map[string]interface{})
		value = fields[name]
	}
	return value == true
}

// causes is the messages' fields and reasons.
func causes(messages []string) []string {
	var result []string
	for _, message := range messages {
		parts := strings.SplitN(message, ": ", 3)
		result = append(result, strings.Join(parts[:min(len(parts), 2)], ": "))
	}
	return result
}

// distinct puts causes in order, since KubeVirt's functions run in another than the table's, without those that are said
// twice: that memory is missing, KubeVirt says of the field and of no field.
func distinct(causes []string) []string {
	const noMemory, unnamed = "spec.domain.resources.limits.memory: FieldValueInvalid", ": FieldValueRequired"
	result := slices.Compact(slices.Sorted(slices.Values(causes)))
	if slices.Contains(result, noMemory) {
		result = slices.DeleteFunc(result, func(cause string) bool { return cause == unnamed })
	}
	return result
}

func isPartOf(some, all []string) bool {
	return !slices.ContainsFunc(some, func(one string) bool { return !slices.Contains(all, one) })
}
