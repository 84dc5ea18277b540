package main

import (
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// withDefaults is a VMI's spec after what KubeVirt's webhook makes of it before any policy sees it, as far as CPUs and
// memory go (kubevirt.io/kubevirt/pkg/defaults, August 2026: setDefaultArchitecture, setDefaultResourceRequests,
// setGuestMemory, SetDefaultGuestCPUTopology). Checked against KubeVirt by the recorded verdicts, which are of objects
// that went through it: a policy must say the same before and after.
func withDefaults(vmi map[string]interface{}) map[string]interface{} {
	result := runtime.DeepCopyJSON(vmi)
	get := func(path ...string) (interface{}, bool) {
		value, found, _ := unstructured.NestedFieldNoCopy(result, append([]string{"spec"}, path...)...)
		return value, found && value != nil
	}
	set := func(value interface{}, path ...string) {
		if err := unstructured.SetNestedField(result, value, append([]string{"spec"}, path...)...); err != nil {
			panic(err)
		}
	}
	amount := func(path ...string) (resource.Quantity, bool) {
		value, found := get(path...)
		if !found {
			return resource.Quantity{}, false
		}
		return quantityOf(value), true
	}

	if architecture, _ := get("architecture"); architecture == nil || architecture == "" {
		set("amd64", "architecture")
	}
	limit, limited := amount("domain", "resources", "limits", "cpu")
	request, requested := amount("domain", "resources", "requests", "cpu")
	if !limit.IsZero() && request.IsZero() {
		request, requested = limit, true
		set(limit.String(), "domain", "resources", "requests", "cpu")
	}

	if _, given := get("domain", "memory", "guest"); !given {
		memoryRequest, _ := amount("domain", "resources", "requests", "memory")
		memoryLimit, _ := amount("domain", "resources", "limits", "memory")
		page, paged := get("domain", "memory", "hugepages", "pageSize")
		switch {
		case !memoryRequest.IsZero():
			set(memoryRequest.String(), "domain", "memory", "guest")
		case !memoryLimit.IsZero():
			set(memoryLimit.String(), "domain", "memory", "guest")
		case paged:
			if size, err := resource.ParseQuantity(page.(string)); err == nil {
				set(size.String(), "domain", "memory", "guest")
			}
		}
	}

	for _, part := range []string{"sockets", "cores", "threads"} {
		if count, given := get("domain", "cpu", part); given && count != int64(0) {
			return result
		}
	}
	sockets := uint32(1)
	if limited {
		sockets = uint32(limit.Value())
	} else if requested {
		sockets = uint32(request.Value())
	}
	// Zeros are left out when an object is written.
	if sockets != 0 {
		set(int64(sockets), "domain", "cpu", "sockets")
	} else {
		unstructured.RemoveNestedField(result, "spec", "domain", "cpu", "sockets")
	}
	set(int64(1), "domain", "cpu", "cores")
	set(int64(1), "domain", "cpu", "threads")
	return result
}

func quantityOf(value interface{}) resource.Quantity {
	if number, isNumber := value.(int64); isNumber {
		return *resource.NewQuantity(number, resource.DecimalSI)
	}
	return resource.MustParse(value.(string))
}
