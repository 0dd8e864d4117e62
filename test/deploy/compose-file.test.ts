import { modules } from "@reelmesh/all/modules.js";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { SERVICES } from "./support/compose.js";
import { ROOT } from "./support/docker.js";
import { at, entriesOf, itemsOf, readYaml, textAt, textsAt, type Value } from "./support/yaml.js";

let file: Value;
beforeAll(async () => {
  file = await readYaml(join(ROOT, "compose.yaml"));
});

const serviceOf = (name: string) => at(file, "services", name);
const seconds = (duration: string) => Number(/^(\d+)s$/.exec(duration)?.[1]);

describe.each(SERVICES)("%s in compose.yaml", (name) => {
  test("is built from the Dockerfile, and anew when its sources change", async () => {
    expect(at(serviceOf(name), "build")).toEqual({ context: ".", args: { SERVICE: name } });
    expect(at(serviceOf(name), "image")).toBe(`\${REELMESH_REGISTRY:-}reelmesh/${name}:\${REELMESH_VERSION:-dev}`);
    const watched = itemsOf(at(serviceOf(name), "develop", "watch")).map((item) => textAt(item, "path"));
    expect(watched).toEqual([name === "gateway" ? name : `services/${name}`, "packages", "proto", "package-lock.json"]);
    for (const path of watched) await access(join(ROOT, path));
  });

  test("may do nothing that it need not", () => {
    expect(serviceOf(name)).toMatchObject({
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      volumes: ["secret:/run/reelmesh:ro"],
    });
    expect(at(serviceOf(name), "privileged") ?? at(serviceOf(name), "cap_add")).toBeUndefined();
  });

  test("has longer to stop than its calls have to end", () => {
    const environment = at(serviceOf(name), "environment");
    const drainMs = Number(at(environment, "MESH_DRAIN_MS") ?? 10_000);
    const noticeMs = Number(at(environment, "MESH_DRAIN_NOTICE_MS") ?? 0);
    // What does not end has 10 s more, see MESH_DRAIN_MS.
    expect(seconds(textAt(serviceOf(name), "stop_grace_period")) * 1000).toBeGreaterThan(noticeMs + drainMs + 10_000);
  });

  test("finds those it calls, and has their networks in common with them", () => {
    const environment = at(serviceOf(name), "environment");
    const networks = itemsOf(at(serviceOf(name), "networks"));
    for (const callee of modules.find((module) => module.name === name)?.clients ?? []) {
      const port = modules.find((module) => module.name === callee)?.port;
      expect(at(environment, `${callee.toUpperCase().replaceAll("-", "_")}_ADDRESS`)).toBe(`${callee}:${port}`);
      expect(networks.filter((network) => itemsOf(at(serviceOf(callee), "networks")).includes(network))).not.toEqual(
        [],
      );
    }
    const asked = textAt(environment, "REELMESH_OPS").split(",");
    expect(asked).toContain(`${name}:9090`);
  });
});

test("what stores keep is in volumes with names", () => {
  const named = new Set(entriesOf(at(file, "volumes")).map(([volume]) => volume));
  for (const store of ["mongodb", "rabbitmq", "azurite"]) {
    const [volume] = textsAt(serviceOf(store), "volumes");
    expect(named).toContain(volume?.split(":")[0]);
  }
});

test("ports are published on loopback alone", () => {
  const published = entriesOf(at(file, "services")).flatMap(([, service]) => textsAt(service, "ports"));
  expect(published.length).toBeGreaterThan(0);
  for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:/);
});

test("every image has a version", () => {
  for (const [, service] of entriesOf(at(file, "services"))) {
    expect(at(service, "image")).toMatch(/:(?!latest$)[^:]+$/);
  }
});
