import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { asYaml, at, list, text, type Yaml } from "./manifests.js";

const REFERENCE = "#/definitions/";

/** What the API server says of these too loosely for JSON Schema: a number does as well. */
const ALSO_NUMBERS = new Set([
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
  "io.k8s.apimachinery.pkg.api.resource.Quantity",
]);

/**
 * Writes what an API server says of its kinds as JSON Schemas that allow nothing else, a file each, named as kubeconform
 * looks for them by `{{.ResourceKind}}{{.KindSuffix}}.json`.
 *
 * @param openApi the server's /openapi/v2, as JSON.
 */
export async function writeSchemas(openApi: string, folder: string): Promise<void> {
  const parsed: unknown = JSON.parse(openApi);
  const definitions = new Map(Object.entries(asYaml(at(parsed, "definitions"))));
  for (const [name, definition] of definitions) {
    for (const served of list(definition, "x-kubernetes-group-version-kind")) {
      const used = new Map<string, Yaml>();
      collect(name, definitions, used);
      const file = [text(served, "kind"), text(served, "group").split(".")[0] ?? "", text(served, "version")]
        .filter((part) => part !== "")
        .join("-");
      const schema = { $ref: `${REFERENCE}${name}`, definitions: Object.fromEntries(used) };
      await writeFile(join(folder, `${file.toLowerCase()}.json`), JSON.stringify(schema));
    }
  }
}

/** Gathers a definition and all that it refers to, each made strict. */
function collect(name: string, definitions: ReadonlyMap<string, unknown>, used: Map<string, Yaml>): void {
  if (used.has(name)) return;
  used.set(name, strict(name, asYaml(definitions.get(name))));
  for (const [, referred = ""] of JSON.stringify(used.get(name)).matchAll(/"#\/definitions\/([^"]+)"/g))
    collect(referred, definitions, used);
}

function strict(name: string, definition: Yaml): Yaml {
  if (ALSO_NUMBERS.has(name)) return { type: ["string", "number"] };
  const open = "additionalProperties" in definition || "x-kubernetes-preserve-unknown-fields" in definition;
  return "properties" in definition && !open ? { ...definition, additionalProperties: false } : definition;
}
