import { describe, expect, test } from "@jest/globals";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commandsOf } from "./support/commands.js";

const ROOT = join(__dirname, "..");
const DOCUMENTS = readdirSync(join(ROOT, "docs")).filter((file) => file.endsWith(".md"));

/** Documents all of whose commands a test takes from them and runs. */
const RUN_WHOLE: ReadonlyMap<string, string> = new Map([["mesh.md", "cli/test/docs.test.ts"]]);

type Proof = { readonly by: string; readonly words: string } | { readonly notRun: string };

const by = (file: string, words: string): Proof => ({ by: file, words });
const notRun = (reason: string): Proof => ({ notRun: reason });
const COMPOSE = "test/deploy/compose.test.ts";
const KIND = "test/deploy/support/kind.ts";
const MTLS = "test/deploy/mtls.test.ts";
const SKAFFOLD = "test/deploy/skaffold.test.ts";
const APPLY = by(KIND, '"apply", "-k", `k8s/overlays/${overlay}`');
const A_CLOUD = "it is for a cluster and a registry that tests do not have";

/** What runs each of the other commands, and the words of it there that do; or why nothing does. */
const PROOFS: Readonly<Record<string, Proof>> = {
  "docker compose up --build": by(COMPOSE, 'compose("build")'),
  "docker compose up --build --wait": by(COMPOSE, 'compose("build")'),
  "docker compose up --wait --scale storage=3 --scale catalog=2": by(COMPOSE, '"--scale", `${service}=${replicas}`'),
  "docker compose down": by(COMPOSE, 'compose("down")'),
  "docker compose exec gateway reelmesh mesh check": by(COMPOSE, '"gateway", "reelmesh", "mesh", "check"'),
  "docker compose exec gateway reelmesh token": by(COMPOSE, '"reelmesh", "token"'),
  "docker compose exec gateway reelmesh admin migrate": by(COMPOSE, 'admin("migrate")'),
  "docker compose exec gateway reelmesh admin reindex": by(COMPOSE, 'admin("reindex")'),
  "docker compose exec gateway reelmesh admin sweep --dry-run": by(COMPOSE, 'admin("sweep", "--dry-run")'),
  "mkdir -p backups": by(COMPOSE, "await chown(folder, 1000, 1000)"),
  'docker compose run --rm --volume "$PWD/backups:/backups" gateway reelmesh admin backup --out /backups/today': by(
    COMPOSE,
    '"backup", "--out", "/backups/today"',
  ),
  'docker compose run --rm --volume "$PWD/backups:/backups" gateway reelmesh admin restore --from /backups/today': by(
    COMPOSE,
    '"restore", "--from", "/backups/today"',
  ),
  "kubectl --namespace reelmesh exec deploy/gateway -- reelmesh admin migrate": by(
    "test/deploy/kind.test.ts",
    '"reelmesh", "admin", "migrate"',
  ),
  "docker compose build": by(COMPOSE, 'compose("build")'),
  "docker compose watch": notRun(
    "what it watches is checked by test/deploy/compose-file.test.ts, it itself by nothing",
  ),
  "COMPOSE_PROFILES=observability docker compose up --wait": notRun("the images of the observers cannot be had here"),
  "npm run release -- --registry localhost:5001": by(
    "test/deploy/release.test.ts",
    '"run", "release", "--", ...options',
  ),
  "npm run release -- --registry registry.example.org": notRun(A_CLOUD),
  "kubectl apply -k k8s/overlays/dev": APPLY,
  "kubectl apply -k k8s/overlays/dev-mtls": APPLY,
  "kubectl --namespace reelmesh rollout status deployment": by(KIND, '"rollout", "status"'),
  "kubectl --namespace reelmesh get pods": by(KIND, '"get", "pods"'),
  "kubectl --namespace reelmesh logs deploy/catalog": by(MTLS, '"logs", `deploy/${service}`'),
  "kubectl --namespace reelmesh scale deployment/storage --replicas=3": by(
    "test/deploy/kind.test.ts",
    '"scale", "deployment/storage", "--replicas=3"',
  ),
  "npx --no-install reelmesh mesh certs --out data/certs": by(MTLS, '"mesh", "certs", "--out"'),
  'for service in storage catalog upload streaming gateway; do kubectl --namespace reelmesh create secret generic "$service-tls" --from-file="data/certs/$service" --dry-run=client --output=yaml | kubectl apply --server-side --filename=-; done':
    by(MTLS, '"create", "secret", "generic", `${name}-tls`'),
  "kubectl apply --filename k8s/base/namespace.yaml": notRun(A_CLOUD),
  'kubectl --namespace reelmesh create secret generic reelmesh --from-literal=MESH_SECRET="$(openssl rand -base64 32)" --from-literal=DBHOST="$DBHOST" --from-literal=AMQP_URL="$AMQP_URL"':
    notRun(A_CLOUD),
  "npm ci": by(".ci/run", "npm ci"),
  "npm run dev": by("test/readme.test.ts", 'begin("npm run dev")'),
  "npm run web": by("bench/skaffold-edit.ts", '["run", "web"]'),
  "npm run cluster": by(KIND, '["run", "cluster"]'),
  "npm run cluster:down": notRun("it would take the cluster that other tests use"),
  "npm run test:deploy": by(".ci/run", "npm run test:deploy"),
  "skaffold dev": by(SKAFFOLD, '"skaffold", ["dev"'),
  "skaffold dev --profile debug": notRun(
    "what it applies is checked by test/deploy/kind.test.ts, it itself by nothing",
  ),
  "kind load docker-image --name reelmesh reelmesh/storage:dev reelmesh/catalog:dev reelmesh/upload:dev reelmesh/streaming:dev reelmesh/gateway:dev":
    by(KIND, '"load", "docker-image", "--name", "reelmesh"'),
  "grpcurl -plaintext localhost:7002 list": by("test/readme.test.ts", 'startingWith("grpcurl")'),
};

function isProven(command: string): boolean {
  const proof = PROOFS[command];
  if (!proof) return false;
  return "notRun" in proof || readFileSync(join(ROOT, proof.by), "utf8").includes(proof.words);
}

describe("the commands in docs/", () => {
  test.each(DOCUMENTS)("%s: each is run, by what is named above, or says why nothing can", (file) => {
    const whole = RUN_WHOLE.get(file);
    if (whole !== undefined) {
      expect(readFileSync(join(ROOT, whole), "utf8")).toContain(`docs/${file}`);
      return;
    }
    const commands = commandsOf(readFileSync(join(ROOT, "docs", file), "utf8"));
    expect(commands.filter((command) => !isProven(command))).toEqual([]);
  });

  test.each(DOCUMENTS)("%s: what it links to is there", (file) => {
    const links = [...readFileSync(join(ROOT, "docs", file), "utf8").matchAll(/\]\(((?!https?:)[^)#]+)/g)];
    const missing = links.map(([, link = ""]) => link).filter((link) => !existsSync(join(ROOT, "docs", link)));
    expect(missing).toEqual([]);
  });

  test("are all that a proof is kept for", () => {
    const commands = DOCUMENTS.flatMap((file) => commandsOf(readFileSync(join(ROOT, "docs", file), "utf8")));
    expect(Object.keys(PROOFS).filter((command) => !commands.includes(command))).toEqual([]);
  });
});
