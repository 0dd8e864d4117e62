import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";

export const ROOT = join(__dirname, "../../..");

/** A Kubernetes object, or any other YAML, as tests look into it. */
export type Yaml = Readonly<Record<string, unknown>>;

/** Why nothing can be rendered here; undefined when it can, and in CI, where it must. */
export const noKubectl = process.env.CI === "true" || kubectlAnswers() ? undefined : "kubectl is not installed";

/** What `kubectl apply -k` of a folder under k8s/ would apply. */
export function render(folder: string): readonly Yaml[] {
  const text = execFileSync("kubectl", ["kustomize", join(ROOT, "k8s", folder)], { encoding: "utf8" });
  return parseAllDocuments(text).map((document) => asYaml(document.toJS()));
}

export function readYaml(file: string): Yaml {
  return asYaml(parse(readFileSync(join(ROOT, file), "utf8")));
}

/** What is at a path; undefined when there is nothing. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
}

/** The list at a path; empty when there is none. */
export function list(value: unknown, ...path: readonly (string | number)[]): readonly Yaml[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found.map(asYaml) : [];
}

export function text(value: unknown, ...path: readonly (string | number)[]): string {
  const found = at(value, ...path);
  if (typeof found !== "string") throw new Error(`There is no text at ${path.join(".")}`);
  return found;
}

export function texts(value: unknown, ...path: readonly (string | number)[]): readonly string[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found.map(String) : [];
}

export const kind = (object: Yaml) => text(object, "kind");
export const nameOf = (object: Yaml) => text(object, "metadata", "name");
export const ofKind = (objects: readonly Yaml[], wanted: string) => objects.filter((object) => kind(object) === wanted);

/** The object of a kind and a name. @throws Error when there is none. */
export function find(objects: readonly Yaml[], wanted: string, name: string): Yaml {
  const found = objects.find((object) => kind(object) === wanted && nameOf(object) === name);
  if (!found) throw new Error(`There is no ${wanted} ${name}`);
  return found;
}

export function asYaml(value: unknown): Yaml {
  if (typeof value !== "object" || value === null) throw new Error("This is no YAML mapping");
  return Object.fromEntries(Object.entries(value));
}

function kubectlAnswers(): boolean {
  try {
    execFileSync("kubectl", ["version", "--client"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
