import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readdirSync } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { createCleanup } from "../support/cleanup.js";
import { startWholeMesh } from "../support/mesh.js";
import { SERVICES } from "./support/compose.js";
import { ROOT } from "./support/docker.js";
import { at, entriesOf, itemsOf, readYaml, textAt, textsAt, type Value } from "./support/yaml.js";

const FOLDER = join(ROOT, "observability");
const DASHBOARDS = readdirSync(join(FOLDER, "grafana/dashboards")).filter((file) => file.endsWith(".json"));
const cleanup = createCleanup();
/** The names of all metrics that a process shows, and their kinds. */
let metrics: ReadonlyMap<string, string>;
let sources: readonly string[];

beforeAll(async () => {
  const mesh = await startWholeMesh({ REELMESH_DATA: await cleanup.folder() });
  cleanup.add(() => mesh.stop());
  const text = await (await fetch(`http://${mesh.opsAddress}/metrics`)).text();
  metrics = new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = "", kind = ""]) => [name, kind]));
  const provisioned = await readYaml(join(FOLDER, "grafana/provisioning/datasources/datasources.yml"));
  sources = itemsOf(at(provisioned, "datasources")).map((source) => textAt(source, "uid"));
});
afterAll(() => cleanup.run());

/** Whether a process shows a series of that name. */
function isShown(series: string): boolean {
  const histogram = series.replace(/_(?:bucket|sum|count)$/, "");
  return metrics.has(series) || ["histogram", "summary"].includes(metrics.get(histogram) ?? "");
}

describe.each(DASHBOARDS)("the dashboard %s", (name) => {
  let dashboard: Value;
  let panels: readonly Value[];
  beforeAll(async () => {
    dashboard = await readYaml(join(FOLDER, "grafana/dashboards", name));
    panels = itemsOf(at(dashboard, "panels"));
  });

  test("asks for metrics that there are, of a source that is set up", () => {
    const targets = panels.flatMap((panel) => itemsOf(at(panel, "targets")));
    expect(targets.length).toBeGreaterThan(panels.length - 1);
    for (const target of targets) {
      expect(sources).toContain(at(target, "datasource", "uid"));
      const series = textAt(target, "expr").match(/\b(?:reelmesh|process|nodejs)_\w+/g) ?? [];
      expect(series).not.toEqual([]);
      expect(series.filter((each) => !isShown(each))).toEqual([]);
    }
    const variables = itemsOf(at(dashboard, "templating", "list")).map((each) => textAt(each, "query", "query"));
    for (const query of variables) expect(isShown(/\((\w+),/.exec(query)?.[1] ?? "")).toBe(true);
  });

  test("shows each panel once, in a place of its own", () => {
    const places = panels.flatMap((panel) => {
      const [x, y, w, h] = ["x", "y", "w", "h"].map((side) => Number(at(panel, "gridPos", side)));
      return Array.from({ length: (w ?? 0) * (h ?? 0) }, (_, cell) =>
        [(x ?? 0) + (cell % (w ?? 1)), (y ?? 0) + Math.floor(cell / (w ?? 1))].join(),
      );
    });
    expect(new Set(places).size).toBe(places.length);
    expect(new Set(panels.map((panel) => at(panel, "id"))).size).toBe(panels.length);
  });
});

test("Prometheus scrapes every replica of every service", async () => {
  const config = await readYaml(join(FOLDER, "prometheus.yml"));
  const [discovery] = itemsOf(at(config, "scrape_configs", 0, "dns_sd_configs"));
  expect(discovery).toMatchObject({ type: "A", port: 9090 });
  expect(textsAt(discovery, "names").sort()).toEqual([...SERVICES].sort());
});

test("what compose.yaml gives to Prometheus and Grafana is there, and where they look for it", async () => {
  const compose = await readYaml(join(ROOT, "compose.yaml"));
  const observers = entriesOf(at(compose, "services")).filter(([, service]) => at(service, "profiles") !== undefined);
  expect(observers.map(([name]) => name).sort()).toEqual(["grafana", "jaeger", "prometheus"]);
  const mounts = observers.flatMap(([, service]) => textsAt(service, "volumes"));
  const files = mounts.filter((mount) => mount.startsWith("./"));
  expect(files.length).toBeGreaterThan(2);
  for (const mount of files) await access(join(ROOT, mount.split(":")[0] ?? ""));
  const provider = await readYaml(join(FOLDER, "grafana/provisioning/dashboards/dashboards.yml"));
  const folder = textAt(provider, "providers", 0, "options", "path");
  expect(files.map((mount) => mount.split(":")[1])).toContain(folder);
  expect(at(compose, "services", "grafana", "environment", "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH")).toBe(
    `${folder}/mesh.json`,
  );
});
