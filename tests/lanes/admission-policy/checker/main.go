// Checks an admission policy with the API server's own libraries: k8s.io/apiserver compiles and evaluates it, and
// k8s.io/apiextensions-apiserver drops and refuses what a custom resource's schema doesn't allow. No API server runs.
//
//	checker POLICY                               compiles it
//	checker POLICY SCHEMAS fixtures FOLDER       objects with what is expected of them (tests/fixtures/validate)
//	checker POLICY SCHEMAS requests FILE         requests with what is expected of them
//	checker POLICY SCHEMAS recorded FILE         recorded verdicts of KubeVirt (tests/fixtures/real)
//
// Exits with 1 if the policy doesn't compile or a verdict isn't the expected one, with 2 if it can't be told.
package main

import (
	"fmt"
	"os"
)

func main() {
	arguments := os.Args[1:]
	if len(arguments) != 1 && len(arguments) != 4 {
		fmt.Fprintln(os.Stderr, "usage: checker POLICY [SCHEMAS {fixtures FOLDER|requests FILE|recorded FILE}]")
		os.Exit(2)
	}
	checked, problems := readPolicy(arguments[0])
	for _, problem := range problems {
		fmt.Println(problem)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
	if len(arguments) == 1 {
		return
	}

	known, err := readSchemas(arguments[1])
	if err != nil {
		fail(err)
	}
	table := &table{policy: checked, schemas: known}
	switch mode := arguments[2]; mode {
	case "fixtures":
		err = table.fixtures(arguments[3])
	case "requests":
		err = table.requests(arguments[3])
	case "recorded":
		err = table.recorded(arguments[3])
	default:
		err = fmt.Errorf("expected fixtures, requests or recorded, found %q", mode)
	}
	if err != nil {
		fail(err)
	}
	fmt.Printf("%s: %d passed, %d failed, %d not for a policy\n", arguments[3], table.passed, table.failed, table.skipped)
	if table.failed > 0 || table.passed == 0 {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(2)
}
