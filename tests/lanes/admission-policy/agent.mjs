// What the policy for the agent lets it do to nodes. Usage: node agent.mjs POLICY
import { readFileSync } from "node:fs";
import { isCelError, run } from "@bufbuild/cel";
import { parse } from "yaml";
import { toCel } from "./values.mjs";

const { spec } = parse(readFileSync(process.argv[2], "utf8"));
const CLAIM = "authentication.kubernetes.io/node-name";
const agent = { username: "system:serviceaccount:pinagent:agent", extra: { [CLAIM]: ["node1"] } };
const node = {
  metadata: { name: "node1", labels: { a: "b", cpumanager: "true" }, annotations: { c: "d" } },
  spec: { unschedulable: false },
};
const changed = (metadata, other = {}) => ({ ...node, ...other, metadata: { ...node.metadata, ...metadata } });

const cases = [
  ["its label is set", changed({ labels: { ...node.metadata.labels, "kubevirt.io/cpumanager": "true" } }), agent, []],
  ["its label is removed", changed({ labels: { a: "b" } }), agent, []],
  ["nothing is changed", node, agent, []],
  ["another label is set", changed({ labels: { ...node.metadata.labels, "node-role.kubernetes.io/x": "" } }), agent,
    ["metadata.labels"]],
  ["another label is changed", changed({ labels: { ...node.metadata.labels, a: "c" } }), agent, ["metadata.labels"]],
  ["another label is removed", changed({ labels: { cpumanager: "true" } }), agent, ["metadata.labels"]],
  ["all labels are removed", changed({ labels: undefined }), agent, ["metadata.labels"]],
  ["an annotation is set", changed({ annotations: { c: "d", e: "f" } }), agent, ["metadata"]],
  ["the annotations are removed", changed({ annotations: undefined }), agent, ["metadata"]],
  ["a finalizer is set", changed({ finalizers: ["x"] }), agent, ["metadata"]],
  ["an owner is set", changed({ ownerReferences: [{ name: "x" }] }), agent, ["metadata"]],
  ["it is cordoned", changed({}, { spec: { unschedulable: true } }), agent, ["spec"]],
  ["it is tainted", changed({}, { spec: { taints: [{ key: "x" }] } }), agent, ["spec"]],
  ["another node", node, { ...agent, extra: { [CLAIM]: ["node2"] } }, ["metadata.name"]],
  ["a token that names no node", node, { ...agent, extra: {} }, ["metadata.name"]],
  ["a token that tells nothing", node, { username: agent.username }, ["metadata.name"]],
  ["somebody else", changed({}, { spec: { unschedulable: true } }), { username: "system:node:node1" }, "not matched"],
];

function evaluate(expression, bindings) {
  const result = run(expression, bindings);
  if (isCelError(result)) throw new Error(`${expression}: ${result.message ?? result}`);
  return result;
}

function judge(object, userInfo) {
  const scope = toCel({ object, oldObject: node, request: { operation: "UPDATE", userInfo }, variables: {} });
  const bindings = Object.fromEntries(scope);
  if (!spec.matchConditions.every(({ expression }) => evaluate(expression, bindings))) return "not matched";
  for (const { name, expression } of spec.variables) bindings.variables.set(name, evaluate(expression, bindings));
  return spec.validations
    .filter(({ expression }) => evaluate(expression, bindings) !== true)
    .map(({ message }) => message.split(": ")[0]);
}

let failed = 0;
for (const [name, object, user, expected] of cases) {
  let actual;
  try {
    actual = judge(object, user);
  } catch (problem) {
    actual = `error: ${problem.message}`;
  }
  if (JSON.stringify(actual) !== JSON.stringify(expected)) {
    failed++;
    console.log(`${name}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(actual)}`);
  }
}
console.log(`the agent's nodes: ${cases.length - failed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
