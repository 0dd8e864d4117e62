// How long an edit takes under `skaffold dev`: from the saved file to the pod that serves it. Beside it, what `kind load`
// of the same image alone takes, which is how images come to a kind cluster that has no registry; and the web application
// by Vite. Needs `npm run cluster`, and works in a clone of its own.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const ROUNDS = 3;
const VITE = "http://localhost:5173";
const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "reelmesh-edit-"));

const ask = (program: string, ...words: readonly string[]) =>
  execFileSync(program, words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();

/** The generation of catalog's Deployment once a pod of it is ready; 0 until then. */
function servingGeneration(): number {
  const fields =
    "{.metadata.generation} {.status.observedGeneration} {.status.updatedReplicas} {.status.unavailableReplicas}";
  const words = [
    "--context",
    "kind-reelmesh",
    "-n",
    "reelmesh",
    "get",
    "deployment/catalog",
    "-o",
    `jsonpath=${fields}`,
  ];
  const [generation, observed, updated, unavailable = 0] = ask("kubectl", ...words)
    .split(" ")
    .map(Number);
  return generation === observed && updated === 1 && unavailable === 0 ? (generation ?? 0) : 0;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(50);
}

async function stop(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  if (child.exitCode === null && child.kill("SIGINT")) await gone;
}

async function seconds(work: () => Promise<void> | void): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

function report(name: string, took: readonly number[]): void {
  const sorted = [...took].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  console.log(`${name.padEnd(46)} ${median.toFixed(1)} s  (${sorted.map((value) => value.toFixed(1)).join(", ")})`);
}

async function editService(): Promise<void> {
  const words = ["dev", "--update-check=false", "--interactive=false", "--cleanup=false", "--port-forward=off"];
  const skaffold = spawn("skaffold", words, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [skaffold.stdout, skaffold.stderr])
    stream.setEncoding("utf8").on("data", (part: string) => (said += part));
  try {
    await until(() => {
      if (skaffold.exitCode !== null) throw new Error(said);
      return said.includes("Watching for changes");
    });
    const file = join(folder, "services/catalog/src/main.ts");
    const source = readFileSync(file, "utf8");
    const took: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await until(() => servingGeneration() > 0);
      const before = servingGeneration();
      said = "";
      const edit = () => {
        writeFileSync(file, `${source}console.error("edit ${round} ${Date.now()}");\n`);
        return until(() => servingGeneration() > before);
      };
      took.push(await seconds(edit));
      await until(() => said.includes("Watching for changes"));
    }
    report("an edit in services/catalog serves after", took);
  } finally {
    await stop(skaffold);
  }
}

async function loadImage(): Promise<void> {
  const image = "reelmesh/catalog:edit";
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // An image that the node has is not loaded again.
    execFileSync("docker", ["build", "--quiet", "--tag", image, "-"], {
      input: `FROM reelmesh/catalog:dev\nLABEL round="${Date.now()}"\n`,
      stdio: ["pipe", "ignore", "ignore"],
    });
    took.push(await seconds(() => void ask("kind", "load", "docker-image", "--name", "reelmesh", image)));
  }
  report("kind load of the image alone takes", took);
}

async function editWeb(): Promise<void> {
  const vite = spawn("npm", ["run", "web"], { cwd: root, stdio: "ignore", detached: true });
  const file = join(root, "gateway/web/src/edit-probe.ts");
  const served = (text: string) =>
    fetch(`${VITE}/src/edit-probe.ts`).then(
      async (response) => (await response.text()).includes(text),
      () => false,
    );
  try {
    const took: number[] = [];
    writeFileSync(file, 'export const probe = "none";\n');
    await until(() => served("none"));
    for (let round = 0; round < ROUNDS; round++) {
      const text = `edit ${round}`;
      const edit = () => {
        writeFileSync(file, `export const probe = "${text}";\n`);
        return until(() => served(text));
      };
      took.push(await seconds(edit));
    }
    report("an edit in the web application is served after", took);
  } finally {
    rmSync(file);
    if (vite.pid !== undefined) process.kill(-vite.pid);
  }
}

try {
  ask("git", "clone", "--quiet", root, folder);
  await editService();
  await loadImage();
  await editWeb();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
