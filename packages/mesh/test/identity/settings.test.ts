import { describe, expect, test } from "@jest/globals";
import { writeFileSync } from "node:fs";
import { ConfigError } from "../../src/environment.js";
import { readMaterial } from "../../src/identity/files.js";
import { servicesNamed, spiffeId } from "../../src/identity/spiffe.js";
import { startModules } from "../../src/start.js";
import { makeCertificates, tlsVariables } from "../support/certificates.js";
import { environmentOf, startMesh } from "../support/mesh.js";
import { storageModule } from "../support/storage.js";
import { rejection } from "../support/until.js";

const storage = storageModule({});

async function faultsOf(variables: Record<string, string>): Promise<unknown> {
  const error = await rejection(startModules([storage], { ...environmentOf([storage]), ...variables }));
  return error instanceof ConfigError ? error.faults.map(({ variable }) => variable) : error;
}

describe("a service", () => {
  test.each(["0.0.0.0:0", "[::]:0", "10.1.2.3:0", "128.0.0.1:0"])(
    "does not listen at %s in plaintext",
    async (listen) => {
      expect(await faultsOf({ STORAGE_LISTEN: listen })).toEqual(["STORAGE_LISTEN"]);
    },
  );

  test.each(["127.0.0.1:0", "localhost:0", "127.9.8.7:0"])("listens at %s", async (listen) => {
    const mesh = await startMesh([storage], { STORAGE_LISTEN: listen });
    expect(mesh.addressOf("storage")).toMatch(/:[1-9]\d*$/);
  });

  test("listens anywhere in plaintext where that is allowed, and with certificates", async () => {
    await startMesh([storage], { STORAGE_LISTEN: "0.0.0.0:0", MESH_PLAINTEXT: "allow" });
    const files = makeCertificates().issue("storage");
    await startMesh([storage], { STORAGE_LISTEN: "0.0.0.0:0", ...tlsVariables(files) });
  });

  test("wants all three files or none", async () => {
    const { MESH_TLS_CERT = "" } = tlsVariables(makeCertificates().issue("storage"));
    expect(await faultsOf({ MESH_TLS_CERT })).toEqual(["MESH_TLS_KEY", "MESH_TLS_CA"]);
  });

  test("does not start with half a pair", async () => {
    const certificates = makeCertificates();
    const [files, others] = [certificates.issue("storage"), certificates.issue("upload")];
    expect(() => readMaterial({ ...files, key: others.key })).toThrow("is not the key of");
    writeFileSync(files.certificate, "-----BEGIN");
    expect(() => readMaterial(files)).toThrow();
    const started = startModules([storage], { ...environmentOf([storage]), ...tlsVariables(files) });
    expect(await rejection(started)).toMatchObject({ message: "The certificates cannot be used", cause: {} });
  });
});

describe("the services that a certificate names", () => {
  test.each<[string | undefined, string[]]>([
    ["URI:spiffe://reelmesh/upload", ["upload"]],
    ["DNS:upload, URI:spiffe://reelmesh/transcode-worker, IP Address:127.0.0.1", ["transcode-worker"]],
    ["URI:spiffe://reelmesh/a, URI:spiffe://reelmesh/b", ["a", "b"]],
    ["DNS:spiffe://reelmesh/upload", []],
    ["URI:spiffe://elsewhere/upload", []],
    ["URI:spiffe://reelmesh/upload/../catalog", []],
    ["URI:spiffe://reelmesh/Upload", []],
    ['DNS:"x, URI:spiffe://reelmesh/upload, y"', []],
    ["", []],
    [undefined, []],
  ])("%s", (subjectAltName, names) => {
    expect(servicesNamed(subjectAltName)).toEqual(names);
  });

  test("are names", () => {
    expect(spiffeId("upload")).toBe("spiffe://reelmesh/upload");
    expect(() => spiffeId("up/load")).toThrow(TypeError);
  });
});
