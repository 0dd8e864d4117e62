import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { certify } from "@reelmesh/mesh/identity/authority.js";
import { writeSecretFolder } from "@reelmesh/mesh/identity/secret-folder.js";
import { createPrivateKey, randomBytes, X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { startAzurite } from "../../services/storage/test/azurite.js";
import { createApi } from "../../test/support/api.js";
import { createCleanup } from "../../test/support/cleanup.js";
import { until } from "../../test/support/until.js";
import { startModuleProcess, type ModuleProcess } from "./processes.js";
import { reelmesh } from "./run.js";

const cleanup = createCleanup();
const SECRET = randomBytes(32).toString("base64");
let folder: string;
let out: string;

beforeAll(async () => {
  folder = await cleanup.folder();
  out = join(folder, "certs");
  const made = await reelmesh(["mesh", "certs", "--out", out]);
  expect(made).toMatchObject({ code: 0, stderr: "" });
  expect(made.stdout).toContain(`${join(out, "storage")}  spiffe://reelmesh/storage\n`);
});
afterAll(() => cleanup.run());

const tlsOf = (service: string) => ({
  MESH_TLS_CERT: join(out, service, "tls.crt"),
  MESH_TLS_KEY: join(out, service, "tls.key"),
  MESH_TLS_CA: join(out, service, "ca.crt"),
});

describe("reelmesh mesh certs", () => {
  test("makes certificates that the authority signed, with keys that nobody else reads", async () => {
    const authority = new X509Certificate(await readFile(join(out, "catalog", "ca.crt")));
    const certificate = new X509Certificate(await readFile(join(out, "catalog", "tls.crt")));
    expect(certificate.verify(authority.publicKey)).toBe(true);
    expect(certificate.subjectAltName).toContain("URI:spiffe://reelmesh/catalog");
    expect((await stat(join(out, "catalog", "tls.key"))).mode & 0o077).toBe(0);
    expect((await stat(join(out, "authority", "tls.key"))).mode & 0o077).toBe(0);
  });

  test("run again renews the certificate and keeps the authority", async () => {
    const read = async (...path: string[]) => readFile(join(out, ...path), "utf8");
    const before = { authority: await read("catalog", "ca.crt"), certificate: await read("catalog", "tls.crt") };
    expect(await reelmesh(["mesh", "certs", "--out", out, "catalog"])).toMatchObject({ code: 0 });
    expect(await read("catalog", "ca.crt")).toBe(before.authority);
    expect(await read("catalog", "tls.crt")).not.toBe(before.certificate);
  });
});

describe("two processes with its certificates", () => {
  let storage: ModuleProcess;
  let others: ModuleProcess;

  beforeAll(async () => {
    const azurite = await startAzurite();
    cleanup.add(() => azurite.stop());
    const shared = { MESH_SECRET: SECRET, MESH_DRAIN_MS: "1000" };
    storage = await startModuleProcess(`({ name }) => name === "storage"`, {
      ...shared,
      ...tlsOf("storage"),
      AZURE_STORAGE_CONNECTION_STRING: azurite.connectionString,
    });
    cleanup.add(() => storage.stop());
    others = await startModuleProcess(`({ name }) => name !== "storage"`, {
      ...shared,
      ...tlsOf("all"),
      REELMESH_DATA: join(folder, "data"),
      STORAGE_ADDRESS: storage.addresses.storage ?? "",
      MESH_PEERS: storage.ops,
    });
    cleanup.add(() => others.stop());
  }, 60_000);

  test("carry an upload from one to the other, over mutual TLS", async () => {
    const api = createApi(`http://${others.addresses.gateway ?? ""}`);
    const bytes = randomBytes(300_000);
    const { video } = await api.upload(bytes, { filename: "film.mp4", filetype: "video/mp4" });
    const media = await fetch(await api.mediaOf(video));
    expect(Buffer.from(await media.arrayBuffer()).equals(bytes)).toBe(true);
    const { stdout } = await reelmesh(["mesh", "graph", "--json", "--ops", others.ops]);
    expect(JSON.parse(stdout)).toMatchObject({
      edges: expect.arrayContaining([expect.objectContaining({ caller: "gateway", service: "storage", success: 1 })]),
    });
  });

  test("show how long their certificates last, and are otherwise well", async () => {
    const { code, stdout } = await reelmesh(["mesh", "check", "--ops", others.ops]);
    for (const address of [storage.ops, others.ops]) {
      expect(stdout).toMatch(new RegExp(`^✓  ${address} +the certificate lasts \\d+ days$`, "m"));
    }
    expect(stdout).toMatch(/^✓ {2}storage +ready at/m);
    expect(code).toBe(0);
    const stat = await reelmesh(["mesh", "stat", "--ops", others.ops]);
    expect(stat.stdout).toMatch(/^CERTIFICATE OF +LASTS$/m);
    expect(stat.stdout).toMatch(/^storage +\d+ days$/m);
    const page = await (await fetch(`http://${others.ops}/mesh`)).text();
    expect(page.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ")).toMatch(/storage ready 127\.0\.0\.1:\d+ .*? \d+ days/);
  });

  test("say so when one ends within days", async () => {
    const key = createPrivateKey(await readFile(join(out, "authority", "tls.key")));
    const old = certify({ key }, ["storage"], new Date(Date.now() - 87.5 * 86_400_000));
    const authority = await readFile(join(out, "storage", "ca.crt"), "utf8");
    writeSecretFolder(join(out, "storage"), { "tls.crt": old.certificate, "tls.key": old.key, "ca.crt": authority });
    const { code, stdout } = await reelmesh(["mesh", "check", "--ops", storage.ops]);
    expect(stdout).toMatch(/^✗ .* the certificate lasts 2 days$/m);
    expect(code).toBe(1);
    // A page remembers for a moment what other processes told it.
    const page = async () => (await fetch(`http://${others.ops}/mesh`)).text();
    await until(async () => (await page()).includes("1 certificate ends soon"));
  });
});
