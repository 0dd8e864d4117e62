// `npm run cluster`: a kind cluster and an image registry beside it, as k8s/kind.yaml and kind's documentation have them
// (https://kind.sigs.k8s.io/docs/user/local-registry). Run again, it makes what is missing. `npm run cluster:down`
// removes both.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const CLUSTER = "reelmesh";
const CONTEXT = `kind-${CLUSTER}`;
const CONFIG = join(import.meta.dirname, "../k8s/kind.yaml");
/** Where the registry is, for this machine, and for the containers of kind's network. */
const HOST = "localhost:5001";
const REGISTRY = "kind-registry";
const INSIDE = `http://${REGISTRY}:5000`;

/** Runs a command; its output, or undefined when it failed and may. Fails with what it said when it must not. */
function run(command, words, { input, optional = false } = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, words, { encoding: "utf8", input: input ?? "" });
  if (error?.code === "ENOENT") stop(`${command} is not installed: docs/develop.md says where it is to be had.`);
  if (status === 0) return stdout.trim();
  if (!optional) stop(`${command} ${words.join(" ")}\n${stderr}`);
}

function stop(reason) {
  console.error(reason);
  process.exit(1);
}

const clusters = () => (run("kind", ["get", "clusters"]) ?? "").split("\n");
const inspect = (container, template) =>
  run("docker", ["inspect", "--format", template, container], { optional: true });

function startRegistry() {
  const running = inspect(REGISTRY, "{{.State.Running}}");
  if (running === "true") return;
  if (running === "false") run("docker", ["start", REGISTRY]);
  else {
    const where = ["--publish", "127.0.0.1:5001:5000", "--network", "bridge"];
    run("docker", ["run", "--detach", "--restart", "always", ...where, "--name", REGISTRY, "registry:2"]);
  }
  console.log(`The registry is at ${HOST}.`);
}

function startCluster() {
  if (clusters().includes(CLUSTER)) return;
  const { status } = spawnSync("kind", ["create", "cluster", "--config", CONFIG], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

/** Tells the cluster's nodes, and whoever asks the cluster, such as Skaffold, where the registry is. */
function introduce() {
  for (const node of run("kind", ["get", "nodes", "--name", CLUSTER]).split("\n")) {
    const folder = `/etc/containerd/certs.d/${HOST}`;
    const write = `mkdir -p ${folder} && cat > ${folder}/hosts.toml`;
    run("docker", ["exec", "-i", node, "sh", "-c", write], { input: `[host."${INSIDE}"]\n` });
  }
  if (!inspect(REGISTRY, "{{json .NetworkSettings.Networks}}").includes('"kind"'))
    run("docker", ["network", "connect", "kind", REGISTRY]);
  const hosting = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "local-registry-hosting", namespace: "kube-public" },
    data: {
      "localRegistryHosting.v1": `host: "${HOST}"\nhelp: "https://kind.sigs.k8s.io/docs/user/local-registry/"\n`,
    },
  };
  run("kubectl", ["--context", CONTEXT, "apply", "-f", "-"], { input: JSON.stringify(hosting) });
}

function up() {
  startRegistry();
  startCluster();
  introduce();
  console.log(`The cluster is ${CONTEXT}. Next: skaffold dev, and the edge is at http://localhost:8080.`);
}

function down() {
  if (clusters().includes(CLUSTER)) run("kind", ["delete", "cluster", "--name", CLUSTER]);
  if (inspect(REGISTRY, "{{.Id}}") !== undefined) run("docker", ["rm", "--force", "--volumes", REGISTRY]);
  console.log("The cluster and the registry are gone.");
}

const [verb = "up"] = process.argv.slice(2);
if (verb === "up") up();
else if (verb === "down") down();
else stop("npm run cluster, or npm run cluster:down");
