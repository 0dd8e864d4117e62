import { describe, expect, test } from "@jest/globals";
import { modules } from "@reelmesh/all/modules.js";
import { Environment } from "@reelmesh/mesh/environment.js";
import { checkPlaintext, planModules, readOpsListen } from "@reelmesh/mesh/plan.js";
import { readSecrets } from "@reelmesh/mesh/secret.js";
import { readMeshSettings } from "@reelmesh/mesh/settings.js";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import {
  ROOT,
  asYaml,
  at,
  find,
  list,
  nameOf,
  noKubectl,
  ofKind,
  readYaml,
  render,
  text,
  texts,
} from "./support/manifests.js";
import type { Yaml } from "./support/manifests.js";

const OVERLAYS = ["dev", "dev-mtls", "debug", "prod"];
/** The longest that closing a process's own things takes, besides its calls (STOP_MS of the mesh). */
const CLOSING_MS = 10_000;
const EDGE_PORT = 8080;
const names = modules.map(({ name }) => name).sort();
const portOf = (name: string) => modules.find((module) => module.name === name)?.port ?? EDGE_PORT;

const podOf = (object: Yaml) => at(object, "spec", "template", "spec");
const containerOf = (object: Yaml) => at(podOf(object), "containers", 0);
const WORKLOADS = ["Deployment", "StatefulSet", "Job"];
const workloads = (objects: readonly Yaml[]) => WORKLOADS.flatMap((wanted) => ofKind(objects, wanted));
const settingsOf = (objects: readonly Yaml[]) =>
  at(
    ofKind(objects, "ConfigMap").find((object) => at(object, "data", "OPS_LISTEN") !== undefined),
    "data",
  );

/** What a container finds in its environment: the ConfigMap, and of the Secret, what it names. */
function environmentOf(objects: readonly Yaml[], deployment: Yaml, secret: Readonly<Record<string, string>>) {
  const fromSecret = list(containerOf(deployment), "env").flatMap((entry) => {
    const value = secret[text(entry, "valueFrom", "secretKeyRef", "key")];
    return value === undefined ? [] : [[text(entry, "name"), value] as const];
  });
  const settings = Object.entries(settingsOf(objects) ?? {}).map(([name, value]) => [name, String(value)] as const);
  return Object.fromEntries([...settings, ...fromSecret]);
}

/** What a process with this environment complains of. */
function faultsOf(name: string, variables: Readonly<Record<string, string>>): readonly string[] {
  const environment = new Environment(variables, { alone: true });
  const plans = planModules(
    modules.filter((module) => module.name === name),
    environment,
  );
  readSecrets(environment);
  readOpsListen(environment);
  checkPlaintext(plans, readMeshSettings(environment), environment);
  return environment.faults.map(({ variable }) => variable);
}

/** Whose pods a policy's rules name, with the port. */
function peers(rules: readonly Yaml[], direction: "from" | "to"): readonly string[] {
  return rules.flatMap((rule) =>
    list(rule, direction).flatMap((peer) => {
      const label = at(peer, "podSelector", "matchLabels", "app.kubernetes.io/name");
      const chosen = typeof label === "string" ? [label] : texts(peer, "podSelector", "matchExpressions", 0, "values");
      return chosen.flatMap((name) => list(rule, "ports").map((port) => `${name}:${String(at(port, "port"))}`));
    }),
  );
}

const suite = noKubectl === undefined ? describe.each(OVERLAYS) : describe.skip.each(OVERLAYS);

suite(`k8s/overlays/%s${noKubectl === undefined ? "" : ` (skipped: ${noKubectl})`}`, (overlay) => {
  const objects = noKubectl === undefined ? render(`overlays/${overlay}`) : [];
  const deployments = ofKind(objects, "Deployment");
  const secret = {
    MESH_SECRET: Buffer.alloc(32, 1).toString("base64"),
    ...(overlay === "prod"
      ? { DBHOST: "mongodb+srv://user:password@example.org/", AMQP_URL: "amqps://user:password@example.org:5671" }
      : {
          AZURE_STORAGE_CONNECTION_STRING: "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=b;BlobEndpoint=c;",
        }),
  };

  test("has a Deployment for each module and no other", () => {
    expect(deployments.map(nameOf).sort()).toEqual(names);
  });

  test("everything is in its namespace, which holds pods to the restricted standard", () => {
    const outside = objects.filter((object) => at(object, "metadata", "namespace") !== "reelmesh");
    expect(outside.map((object) => text(object, "kind"))).toEqual(["Namespace"]);
    expect(at(outside[0], "metadata", "labels", "pod-security.kubernetes.io/enforce")).toBe("restricted");
  });

  test("no pod runs as root, writes to its root, or may more than it needs", () => {
    expect(workloads(objects).length).toBeGreaterThanOrEqual(names.length);
    for (const workload of workloads(objects)) {
      expect(podOf(workload)).toMatchObject({
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      });
      expect(Number(at(podOf(workload), "securityContext", "runAsUser"))).toBeGreaterThan(0);
      expect(list(podOf(workload), "initContainers")).toEqual([]);
      for (const container of list(podOf(workload), "containers")) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
      }
    }
  });

  test("no pod but the one that makes the Secret has a token for the cluster", () => {
    const withToken = workloads(objects).filter(
      (workload) => at(podOf(workload), "automountServiceAccountToken") !== false,
    );
    expect(withToken.map(nameOf)).toEqual(overlay === "prod" ? [] : ["secret"]);
  });

  test("each container has requests, limits, and an image that means one thing", () => {
    for (const workload of workloads(objects)) {
      for (const container of list(podOf(workload), "containers")) {
        expect(at(container, "resources", "requests")).toMatchObject({
          cpu: expect.any(String),
          memory: expect.any(String),
        });
        expect(text(container, "resources", "limits", "memory")).toMatch(/^\d+[MG]i$/);
        expect(text(container, "image")).toMatch(/(:[\w.-]+|@sha256:[0-9a-f]{64})$/);
        expect(text(container, "image")).not.toMatch(/:latest$/);
      }
    }
  });

  test("probes ask the operators' port: the loop whether it lives, the store whether it is ready", () => {
    for (const deployment of deployments) {
      const container = containerOf(deployment);
      expect(at(container, "startupProbe", "httpGet")).toEqual({ path: "/livez", port: "ops" });
      expect(at(container, "readinessProbe", "httpGet")).toEqual({ path: "/readyz", port: "ops" });
      if (overlay !== "debug")
        expect(at(container, "livenessProbe", "httpGet")).toEqual({ path: "/livez", port: "ops" });
      expect(list(container, "ports")).toContainEqual({ name: "ops", containerPort: 9090 });
      expect(list(container, "ports").map((port) => port.containerPort)).toContain(portOf(nameOf(deployment)));
    }
    for (const store of ofKind(objects, "StatefulSet")) {
      for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"])
        expect(at(containerOf(store), probe)).toBeDefined();
    }
  });

  test("a pod is given longer to stop than it may take", () => {
    const settings = settingsOf(objects);
    for (const deployment of deployments) {
      const graceMs = Number(at(podOf(deployment), "terminationGracePeriodSeconds")) * 1000;
      const pauseMs = Number(at(containerOf(deployment), "lifecycle", "preStop", "sleep", "seconds")) * 1000;
      const stopMs = Number(at(settings, "MESH_DRAIN_NOTICE_MS")) + Number(at(settings, "MESH_DRAIN_MS"));
      expect(graceMs).toBeGreaterThan(pauseMs + stopMs + CLOSING_MS);
    }
  });

  test("each process accepts its environment", () => {
    for (const deployment of deployments) {
      const name = nameOf(deployment);
      // In production nobody but the operator allows an edge without accounts.
      const expected = overlay === "prod" && name === "gateway" ? ["GATEWAY_LISTEN"] : [];
      expect([name, faultsOf(name, environmentOf(objects, deployment, secret))]).toEqual([name, expected]);
    }
  });

  test("arrows are those that modules declare, and no others", () => {
    expect(at(find(objects, "NetworkPolicy", "default-deny"), "spec")).toEqual({
      podSelector: {},
      policyTypes: ["Ingress", "Egress"],
    });
    for (const { name, clients } of modules) {
      const policy = find(objects, "NetworkPolicy", name);
      expect(at(policy, "spec", "podSelector", "matchLabels")).toEqual({ "app.kubernetes.io/name": name });
      const callers = modules.filter((other) => other.clients.includes(name)).map((other) => `${other.name}:grpc`);
      expect([...peers(list(policy, "spec", "ingress"), "from")].sort()).toEqual(callers.sort());
      const called = clients.map((client) => `${client}:${portOf(client)}`);
      expect([...peers(list(policy, "spec", "egress"), "to")].sort()).toEqual(called.sort());
    }
  });

  test("a pod reaches the stores that its process asks for, and no others", () => {
    for (const deployment of deployments) {
      const missing = faultsOf(nameOf(deployment), {});
      const labels = at(deployment, "spec", "template", "metadata", "labels");
      expect([nameOf(deployment), at(labels, "reelmesh/documents") === "yes"]).toEqual([
        nameOf(deployment),
        missing.includes("DBHOST"),
      ]);
      expect(at(labels, "reelmesh/events") === "yes").toBe(missing.includes("AMQP_URL"));
      expect(at(labels, "reelmesh/objects") === "yes").toBe(missing.includes("STORAGE_ACCOUNT_NAME"));
    }
    const stores = ofKind(objects, "NetworkPolicy").filter((policy) => nameOf(policy).startsWith("to-"));
    expect(
      stores.flatMap((policy) => Object.keys(asYaml(at(policy, "spec", "podSelector", "matchLabels")))).sort(),
    ).toEqual(["reelmesh/documents", "reelmesh/events", "reelmesh/objects"]);
  });

  test("each part has its Service, account and disruption budget", () => {
    for (const name of names) {
      const service = find(objects, "Service", name);
      if (name !== "gateway") expect(at(service, "spec", "clusterIP")).toBe("None");
      expect(list(service, "spec", "ports").map((port) => port.port)).toEqual([portOf(name)]);
      expect(at(find(objects, "ServiceAccount", name), "automountServiceAccountToken")).toBe(false);
      expect(at(podOf(find(objects, "Deployment", name)), "serviceAccountName")).toBe(name);
      expect(at(find(objects, "PodDisruptionBudget", name), "spec", "maxUnavailable")).toBe(1);
    }
    expect(ofKind(objects, "HorizontalPodAutoscaler").map(nameOf).sort()).toEqual(overlay === "prod" ? names : []);
  });

  test("holds no secret", () => {
    expect(ofKind(objects, "Secret")).toEqual([]);
    expect(JSON.stringify(objects)).not.toMatch(/AccountKey=[A-Za-z0-9+/]{8}|:\/\/[^"/\s]+:[^"/\s@$]+@/);
  });

  test("certificates, where they are used, are each service's own", () => {
    for (const name of names) {
      const [volume] = list(podOf(find(objects, "Deployment", name)), "volumes");
      expect(at(volume, "secret")).toMatchObject({ secretName: `${name}-tls`, optional: true });
      if (overlay !== "prod") continue;
      expect(at(find(objects, "Certificate", name), "spec")).toMatchObject({
        secretName: `${name}-tls`,
        uris: [`spiffe://reelmesh/${name}`],
        issuerRef: { kind: "Issuer", name: "mesh" },
      });
    }
    const encrypted = at(settingsOf(objects), "MESH_TLS_CERT") !== undefined;
    expect(encrypted).toBe(overlay === "prod" || overlay === "dev-mtls");
    expect(at(settingsOf(objects), "MESH_PLAINTEXT")).toBe(encrypted ? "loopback" : "allow");
  });
});

describe("around the cluster", () => {
  const config = readYaml("skaffold.yaml");
  const artifacts = list(config, "build", "artifacts");

  /** A workspace's folder, and those of all workspaces that it stands on. */
  function foldersOf(folder: string, seen = new Set<string>()): ReadonlySet<string> {
    if (seen.has(folder)) return seen;
    seen.add(folder);
    const dependencies = at(readYaml(`${folder}/package.json`), "dependencies");
    for (const name of Object.keys(dependencies ?? {})) {
      const [, short] = /^@reelmesh\/(.+)$/.exec(name) ?? [];
      if (short !== undefined) foldersOf(short === "proto" ? short : `packages/${short}`, seen);
    }
    return seen;
  }

  test("Skaffold builds an image for each module", () => {
    expect(artifacts.map((artifact) => text(artifact, "image")).sort()).toEqual(
      names.map((name) => `reelmesh/${name}`),
    );
  });

  test.each(names)("%s is built anew after an edit in what it stands on, and in nothing else", (name) => {
    const artifact = artifacts.find((candidate) => text(candidate, "image") === `reelmesh/${name}`);
    const paths = texts(artifact, "custom", "dependencies", "paths");
    const own = name === "gateway" ? name : `services/${name}`;
    const folders = new Set([...foldersOf(own), ...foldersOf("cli")]);
    const watched = paths.filter((path) => path.endsWith("/src")).map((path) => path.slice(0, -"/src".length));
    if (name === "gateway") folders.add("gateway/web");
    folders.delete("proto");
    expect(watched.sort()).toEqual([...folders].sort());
    expect(paths).toContain("proto/reelmesh");
    const missing = paths.filter((path) => !readdirSync(join(ROOT, path, "..")).includes(path.split("/").pop() ?? ""));
    expect(missing).toEqual([]);
  });

  test("Skaffold forwards the edge and every gRPC port", () => {
    const forwarded = list(config, "portForward").map(
      ({ resourceName, port }) => `${String(resourceName)}:${String(port)}`,
    );
    expect(forwarded.sort()).toEqual(names.map((name) => `${name}:${portOf(name)}`));
  });

  test("kind brings the edge's NodePort to this machine's port 8080 and nowhere else", () => {
    const [mapping] = list(readYaml("k8s/kind.yaml"), "nodes", 0, "extraPortMappings");
    expect(mapping).toEqual({ containerPort: 30_080, hostPort: EDGE_PORT, listenAddress: "127.0.0.1" });
    if (noKubectl !== undefined) return;
    const service = find(render("overlays/dev"), "Service", "gateway");
    expect(at(service, "spec", "ports", 0, "nodePort")).toBe(30_080);
  });
});
