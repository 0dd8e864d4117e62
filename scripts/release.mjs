// `npm run release -- --registry registry.example.org`: builds every image, pushes it under the version and the commit,
// and renders the Kubernetes manifests with each image pinned by its digest.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";

const root = join(import.meta.dirname, "..");
const USAGE = `Usage: npm run release -- --registry HOST[:PORT][/FOLDER]
  --overlay FOLDER   the kustomize overlay to render (default k8s/overlays/prod)
  --out FOLDER       where the manifests go (default release)
  --network NAME     the network that builds use
  --dirty            take what is not committed too, and say so in the tag
`;

/** What a command printed; what it says beside is for the person at the terminal. */
const ask = (command, ...words) =>
  execFileSync(command, words, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();
const run = (command, ...words) => {
  execFileSync(command, words, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
};

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        registry: { type: "string" },
        overlay: { type: "string", default: "k8s/overlays/prod" },
        out: { type: "string", default: "release" },
        network: { type: "string", default: "default" },
        dirty: { type: "boolean", default: false },
      },
    });
    if (/^[\w.-]+(?::\d+)?(?:\/[\w./-]+)?$/.test(values.registry ?? "")) return values;
    process.stderr.write("Name the registry to push to\n");
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
  }
  process.stderr.write(USAGE);
  process.exit(2);
}

/** The commit that is released. Refuses what no commit holds, since nobody could find it again. */
function readRevision(dirtyAllowed) {
  const revision = ask("git", "rev-parse", "HEAD");
  const changes = ask("git", "status", "--porcelain", "--", ".", ":!release");
  if (changes === "") return revision;
  if (dirtyAllowed) return `${revision}-dirty`;
  process.stderr.write(`These are not committed; commit them, or release with --dirty:\n${changes}\n`);
  process.exit(1);
}

/** What compose.yaml builds: a name, and the arguments to build it with. */
function readBuilds() {
  const { services } = JSON.parse(ask("docker", "compose", "config", "--format", "json"));
  return Object.entries(services).flatMap(([name, { build }]) => (build ? [{ name, args: build.args }] : []));
}

/** Builds and pushes one image, and answers it by its digest, which nobody can give to another. */
function publish({ name, args }, { registry, network }, { version, revision }) {
  const repository = `${registry}/reelmesh/${name}`;
  const tags = [version, revision].map((tag) => `${repository}:${tag}`);
  const given = Object.entries({ ...args, VERSION: version, REVISION: revision });
  run(
    "docker",
    ...["build", "--network", network],
    ...given.flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]),
    ...tags.flatMap((tag) => ["--tag", tag]),
    ".",
  );
  for (const tag of tags) run("docker", "push", tag);
  const digests = JSON.parse(ask("docker", "image", "inspect", "--format", "{{json .RepoDigests}}", tags[0]));
  const pinned = digests.find((digest) => digest.startsWith(`${repository}@`));
  if (!pinned) throw new Error(`${tags[0]} was pushed, but the engine does not know its digest`);
  return { name, pinned };
}

/** An overlay's manifests with our images as they were pushed. */
function render(overlay, images) {
  const folder = mkdtempSync(join(tmpdir(), "reelmesh-release-"));
  try {
    const kustomization = {
      apiVersion: "kustomize.config.k8s.io/v1beta1",
      kind: "Kustomization",
      resources: [relative(folder, overlay)],
      images: images.map(({ name, pinned }) => {
        const [newName, digest] = pinned.split("@");
        return { name: `reelmesh/${name}`, newName, digest };
      }),
    };
    writeFileSync(join(folder, "kustomization.yaml"), JSON.stringify(kustomization));
    return ask("kubectl", "kustomize", folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const options = readOptions();
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const release = { version, revision: readRevision(options.dirty) };
const images = readBuilds().map((build) => publish(build, options, release));
const out = resolve(root, options.out);
mkdirSync(out, { recursive: true });
writeFileSync(join(out, "reelmesh.yaml"), `${render(resolve(root, options.overlay), images)}\n`);
writeFileSync(join(out, "images.txt"), images.map(({ pinned }) => `${pinned}\n`).join(""));
process.stdout.write(`Released ${version} (${release.revision}): ${join(options.out, "reelmesh.yaml")}\n`);
