// Evaluates the admission policy's CEL expressions on the objects of tests/fixtures/validate, as the API server would,
// and compares what they say with what is expected. Usage: node evaluate.mjs POLICY FIXTURES
//
// The quantity functions are Kubernetes' own additions to CEL (apiserver/pkg/cel/library/quantity.go). Here a quantity
// is its text, so that they are methods of texts.
import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { CelScalar, celFunc, celMethod, isCelError, run } from "@bufbuild/cel";
import { parse, parseAllDocuments } from "yaml";
import { toCel } from "./values.mjs";

const units = {
  n: 1n, u: 10n ** 3n, m: 10n ** 6n, "": 10n ** 9n, k: 10n ** 12n, M: 10n ** 15n, G: 10n ** 18n, T: 10n ** 21n,
  P: 10n ** 24n, E: 10n ** 27n,
};
["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].forEach((unit, i) => (units[unit] = 10n ** 9n << BigInt(10 * (i + 1))));

function nanos(text) {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/.exec(text);
  if (!match || (match[2] + (match[3] ?? "")).length === 0) throw new Error(`no quantity: ${text}`);
  const [, sign, whole, fraction = "", exponent = "0", unit = ""] = match;
  const shift = Number(exponent) - fraction.length;
  let value = BigInt(whole + fraction) * units[unit];
  const power = 10n ** BigInt(Math.abs(shift));
  value = shift >= 0 ? value * power : (value + power - 1n) / power;
  return sign === "-" ? -value : value;
}

const { STRING, INT, DOUBLE, BOOL, DYN } = CelScalar;
const compare = (a, b) => (nanos(a) < nanos(b) ? -1n : nanos(a) > nanos(b) ? 1n : 0n);
const funcs = [
  celFunc("quantity", [STRING], STRING, (text) => (nanos(text), text)),
  celFunc("dyn", [DYN], DYN, (value) => value),
  celMethod("sign", STRING, [], INT, function () { return compare(String(this), "0"); }),
  celMethod("compareTo", STRING, [STRING], INT, function (other) { return compare(String(this), other); }),
  celMethod("isGreaterThan", STRING, [STRING], BOOL, function (other) { return compare(String(this), other) > 0n; }),
  celMethod("asApproximateFloat", STRING, [], DOUBLE, function () { return Number(nanos(String(this))) / 1e9; }),
];

function evaluate(expression, bindings) {
  const result = run(expression, bindings, { funcs });
  if (isCelError(result)) throw new Error(`${expression}: ${result.message ?? result}`);
  return result;
}

function judge(spec, object, operation = "CREATE", oldObject = null) {
  const scope = { object, oldObject, request: new Map([["operation", operation]]), variables: new Map() };
  if (!spec.matchConditions.every(({ expression }) => evaluate(expression, scope))) return "not matched";
  for (const { name, expression } of spec.variables) scope.variables.set(name, evaluate(expression, scope));
  return spec.validations
    .filter(({ expression }) => evaluate(expression, scope) !== true)
    .map(({ messageExpression }) => evaluate(messageExpression, scope).split(": ").slice(0, 2).join(": "));
}

const [policyPath, fixtures] = process.argv.slice(2);
const { spec } = parse(readFileSync(policyPath, "utf8"));
let passed = 0, failed = 0, skipped = 0;

function check(name, actual, expected) {
  if (JSON.stringify(actual) === JSON.stringify(expected)) {
    passed++;
  } else {
    failed++;
    console.log(`${name}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(actual)}`);
  }
}

for (const file of readdirSync(fixtures).filter((name) => name.endsWith(".yaml")).sort()) {
  const [object, expectation] = parseAllDocuments(readFileSync(join(fixtures, file), "utf8")).map((doc) => doc.toJS());
  if (expectation.policy === "skipped") {
    skipped++;
    continue;
  }
  const expected = expectation.valid === null ? "not matched"
    : (expectation.causes ?? []).map(({ field, reason }) => `${field}: ${reason}`);
  let actual;
  try {
    // The API server gives every object metadata.
    actual = judge(spec, toCel({ metadata: {}, ...object }));
  } catch (problem) {
    actual = `error: ${problem.message}`;
  }
  check(basename(file, ".yaml"), actual, expected);
}

// Updates: an old VM that breaks a rule stays manageable, a new mistake is rejected.
const broken = toCel(parse(`
kind: VirtualMachine
metadata: {name: old}
spec: {template: {spec: {domain: {cpu: {isolateEmulatorThread: true}, memory: {guest: 1Gi}}}}}`));
const relabelled = new Map([...broken, ["metadata", new Map([["name", "old"], ["labels", new Map([["a", "b"]])]])]]);
const repaired = toCel(parse(`
kind: VirtualMachine
metadata: {name: old}
spec: {template: {spec: {domain: {cpu: {}, memory: {guest: 1Gi}}}}}`));
const deleted = new Map([...broken, ["metadata", new Map([["deletionTimestamp", "2026-01-01T00:00:00Z"]])]]);
const cause = ["spec.template.spec.domain.cpu.isolateEmulatorThread: FieldValueInvalid"];
check("update: relabelled", judge(spec, relabelled, "UPDATE", broken), "not matched");
check("update: spec made wrong", judge(spec, broken, "UPDATE", repaired), cause);
check("update: spec made right", judge(spec, repaired, "UPDATE", broken), []);
check("update: being deleted", judge(spec, deleted, "UPDATE", repaired), "not matched");

console.log(`${passed} passed, ${failed} failed, ${skipped} not for a policy`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
