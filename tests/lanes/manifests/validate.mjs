// Checks rendered manifests against the API's schemas, as the API server would with strict field validation.
// Usage: node validate.mjs FILE..., each with several objects in YAML.
//
// The schemas say nothing of fields they don't know. The validators read every field that they know: what nobody has read
// is unknown.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { parseAllDocuments } from "yaml";

const builtIn = (name) => ["kubernetes-models", `IoK8sApi${name}`];
const operator = (kind) => [
  "@kubernetes-models/prometheus-operator",
  `ComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1${kind}`,
];
const schemas = {
  "v1 ConfigMap": builtIn("CoreV1ConfigMap"),
  "v1 Namespace": builtIn("CoreV1Namespace"),
  "v1 Service": builtIn("CoreV1Service"),
  "v1 ServiceAccount": builtIn("CoreV1ServiceAccount"),
  "apps/v1 DaemonSet": builtIn("AppsV1DaemonSet"),
  "rbac.authorization.k8s.io/v1 ClusterRole": builtIn("RbacV1ClusterRole"),
  "rbac.authorization.k8s.io/v1 ClusterRoleBinding": builtIn("RbacV1ClusterRoleBinding"),
  "admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy":
    builtIn("AdmissionregistrationV1ValidatingAdmissionPolicy"),
  "admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding":
    builtIn("AdmissionregistrationV1ValidatingAdmissionPolicyBinding"),
  "monitoring.coreos.com/v1 ServiceMonitor": operator("ServiceMonitor"),
  "monitoring.coreos.com/v1 PrometheusRule": operator("PrometheusRule"),
};
// Kinds without a schema in the registry.
const unchecked = new Set(["security.openshift.io/v1 SecurityContextConstraints"]);

// The object, with what has been read of it noted in `read`.
function watch(value, path, read) {
  if (value === null || typeof value !== "object") return value;
  return new Proxy(value, {
    get(target, key) {
      if (typeof key !== "string" || !Object.hasOwn(target, key)) return target[key];
      read.add(`${path}/${key}`);
      return watch(target[key], `${path}/${key}`, read);
    },
  });
}

function* fields(value, path) {
  if (value === null || typeof value !== "object") return;
  for (const key of Object.keys(value)) {
    yield `${path}/${key}`;
    yield* fields(value[key], `${path}/${key}`);
  }
}

async function problemsOf(object) {
  const [folder, name] = schemas[`${object.apiVersion} ${object.kind}`] ?? [];
  if (!folder) return [`no schema is named for ${object.apiVersion} ${object.kind}`];
  // By its file, as the packages don't all export their schemas.
  const { validate } = await import(new URL(`node_modules/${folder}/_schemas/${name}.js`, import.meta.url));
  const read = new Set();
  const isValid = validate(watch(object, "", read));
  const unread = [...fields(object, "")].filter((path) => !read.has(path));
  return [
    ...(isValid ? [] : validate.errors.map((error) => `${error.instancePath}: ${error.keyword} ${JSON.stringify(error.params)}`)),
    // Of an unknown field those below it needn't be named.
    ...unread.filter((path) => !unread.includes(path.slice(0, path.lastIndexOf("/")))).map((path) => `${path}: unknown field`),
  ];
}

// The check itself is checked: mistakes of every kind have to be found.
const mistakes = [
  ["unknown field", { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", labls: {} } }],
  ["required", { apiVersion: "apps/v1", kind: "DaemonSet", metadata: {}, spec: { selector: {} } }],
  ["type", { apiVersion: "v1", kind: "ConfigMap", data: { a: 1 } }],
];
let passed = 0, failed = 0, skipped = 0;
for (const [word, object] of mistakes) {
  if ((await problemsOf(object)).some((problem) => problem.includes(word))) passed++;
  else console.log(`a mistake isn't found (${word}), but: ${await problemsOf(object)}`), failed++;
}

for (const file of process.argv.slice(2)) {
  const objects = parseAllDocuments(readFileSync(file, "utf8")).map((document) => document.toJS()).filter(Boolean);
  for (const object of objects) {
    const what = `${basename(file, ".yaml")}: ${object.kind} ${object.metadata.name}`;
    if (unchecked.has(`${object.apiVersion} ${object.kind}`)) {
      console.log(`${what}: NOT CHECKED, there's no schema to be had`);
      skipped++;
      continue;
    }
    const problems = await problemsOf(object);
    problems.forEach((problem) => console.log(`${what}: ${problem}`));
    if (problems.length > 0) failed++; else passed++;
  }
}
console.log(`${passed} passed, ${failed} failed, ${skipped} not checked`);
process.exit(failed > 0 || passed === mistakes.length ? 1 : 0);
