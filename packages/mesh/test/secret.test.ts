import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { execFile } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { mintCapability, openCapability, type Verb } from "../src/capability.js";
import { Environment } from "../src/environment.js";
import { createPageTokens } from "../src/page-token.js";
import { createKeys, readSecrets, type Purpose } from "../src/secret.js";
import { sign, verify } from "../src/signed.js";
import { afterTest, SECRET } from "./support/mesh.js";
import { buildProgram } from "./support/process.js";

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "reelmesh-secret-"));
  afterTest(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** What becomes of an environment: the secrets, and the variables at fault. */
function secretsOf(variables: Record<string, string>, alone = true) {
  const environment = new Environment(variables, { alone });
  const secrets = readSecrets(environment).map((secret) => secret.toString("hex"));
  return { secrets, faults: environment.faults };
}

const HEX = "ab".repeat(32);
const OTHER = Buffer.alloc(48, 3);

describe("MESH_SECRET", () => {
  test.each([
    ["base64", SECRET, ["07".repeat(32)]],
    ["base64 without its padding", SECRET.replaceAll("=", ""), ["07".repeat(32)]],
    ["base64 for URLs", Buffer.alloc(33, 0xfb).toString("base64url"), ["fb".repeat(33)]],
    ["hexadecimal", HEX, [HEX]],
    ["hexadecimal in capitals", HEX.toUpperCase(), [HEX]],
    ["two, the signing one first", `${HEX},${OTHER.toString("base64")}`, [HEX, OTHER.toString("hex")]],
    ["two with spaces around", ` ${HEX} , ${SECRET} `, [HEX, "07".repeat(32)]],
  ])("as %s is taken", (_, given, secrets) => {
    expect(secretsOf({ MESH_SECRET: given })).toEqual({ secrets, faults: [] });
  });

  test.each([
    ["too short", Buffer.alloc(31).toString("base64")],
    ["too short in hexadecimal", "ab".repeat(21)],
    ["a sentence", "correct horse battery staple, correct horse battery staple"],
    ["three", `${HEX},${HEX},${HEX}`],
    ["one and an empty one", `${HEX},`],
    ["one and a short one", `${HEX},abcd`],
  ])("that is %s is refused and never shown", (_, given) => {
    const { secrets, faults } = secretsOf({ MESH_SECRET: given }, false);
    expect(secrets).toEqual([]);
    expect(faults).toEqual([{ variable: "MESH_SECRET", given: undefined, allowed: expect.any(String) }]);
    expect(JSON.stringify(faults)).not.toContain(given.slice(0, 8));
  });

  test("must be given to a process of one module", () => {
    expect(secretsOf({})).toMatchObject({ secrets: [], faults: [{ variable: "MESH_SECRET" }] });
  });
});

describe("MESH_SECRET_FILE", () => {
  const fileOf = (content: string): string => {
    const file = join(dataFolder(), "secret");
    writeFileSync(file, content);
    return file;
  };

  test.each([
    ["one secret", `${SECRET}\n`, ["07".repeat(32)]],
    ["two", `${HEX},${SECRET}\n`, [HEX, "07".repeat(32)]],
  ])("with %s is read", (_, content, secrets) => {
    expect(secretsOf({ MESH_SECRET_FILE: fileOf(content) })).toEqual({ secrets, faults: [] });
  });

  test("whose content is no secret is refused and never shown", () => {
    const { secrets, faults } = secretsOf({ MESH_SECRET_FILE: fileOf("abcdefghij") });
    expect(secrets).toEqual([]);
    expect(faults).toEqual([{ variable: "MESH_SECRET_FILE", given: undefined, allowed: expect.any(String) }]);
    expect(JSON.stringify(faults)).not.toContain("abcdefghij");
  });

  test("that is not there is a fault among others", () => {
    const file = join(dataFolder(), "nowhere");
    expect(secretsOf({ MESH_SECRET_FILE: file })).toMatchObject({
      secrets: [],
      faults: [{ variable: "MESH_SECRET_FILE", given: file, allowed: expect.stringContaining("ENOENT") }],
    });
  });

  test("beside MESH_SECRET is refused", () => {
    expect(secretsOf({ MESH_SECRET_FILE: fileOf(SECRET), MESH_SECRET: HEX })).toMatchObject({
      secrets: [],
      faults: [{ variable: "MESH_SECRET_FILE" }],
    });
  });
});

describe("a process of several modules", () => {
  test("makes a secret, keeps it for its user alone, and finds it again", () => {
    const REELMESH_DATA = join(dataFolder(), "deeper", "data");
    const first = secretsOf({ REELMESH_DATA }, false);
    expect(first).toEqual({ secrets: [expect.stringMatching(/^[0-9a-f]{64}$/)], faults: [] });
    expect(secretsOf({ REELMESH_DATA }, false)).toEqual(first);
    const keys = join(REELMESH_DATA, "keys");
    expect(readdirSync(keys)).toEqual(["mesh-secret"]);
    expect(statSync(join(keys, "mesh-secret")).mode & 0o777).toBe(0o600);
    expect(statSync(keys).mode & 0o777).toBe(0o700);
  });

  test("makes another in another folder", () => {
    const [first, second] = [dataFolder(), dataFolder()].map((folder) => secretsOf({ REELMESH_DATA: folder }, false));
    expect(first?.secrets).not.toEqual(second?.secrets);
  });

  test("refuses a secret that was cut short, by the file's name", () => {
    const folder = dataFolder();
    secretsOf({ REELMESH_DATA: folder }, false);
    const file = join(folder, "keys", "mesh-secret");
    writeFileSync(file, readFileSync(file).subarray(0, 20));
    expect(secretsOf({ REELMESH_DATA: folder }, false)).toEqual({
      secrets: [],
      faults: [{ variable: "REELMESH_DATA", given: folder, allowed: expect.stringContaining(file) }],
    });
  });

  test("reports a folder it cannot use as a fault among others", () => {
    const file = join(dataFolder(), "a-file");
    writeFileSync(file, "");
    expect(secretsOf({ REELMESH_DATA: file }, false)).toMatchObject({
      secrets: [],
      faults: [{ variable: "REELMESH_DATA", given: file }],
    });
  });

  test("gets the one secret that another makes at the same moment", async () => {
    const program = await buildProgram("read-secret.ts");
    afterTest(program.remove);
    const folder = dataFolder();
    const env = { ...process.env, REELMESH_DATA: folder };
    const read = () => promisify(execFile)(process.execPath, [program.file], { env });
    const said = await Promise.all(Array.from({ length: 6 }, read));
    const secrets = new Set(said.map(({ stdout }) => stdout.trim()));
    expect(secrets.size).toBe(1);
    const [secret = ""] = secrets;
    const kept = Buffer.from(readFileSync(join(folder, "keys", "mesh-secret"), "utf8"), "base64");
    expect(secret).toBe(createHash("sha256").update(kept).digest("hex"));
    expect(readdirSync(join(folder, "keys"))).toEqual(["mesh-secret"]);
  });
});

const keysOf = (...bytes: number[]) => createKeys(bytes.map((byte) => Buffer.alloc(32, byte)));
const PURPOSES: readonly Purpose[] = ["service-token", "principal-token", "capability", "grant", "page-token"];

describe("keys", () => {
  test("differ by purpose and by secret", () => {
    const keys = [keysOf(1), keysOf(2)].flatMap((each) => PURPOSES.flatMap((purpose) => each.derive(purpose)));
    expect(keys.map((key) => key.length)).toEqual(Array(10).fill(32));
    expect(new Set(keys.map((key) => key.toString("hex"))).size).toBe(10);
  });

  test("are the same in every process", () => {
    // RFC 5869 by hand: extract with a salt of zeros, then the first block of expand.
    const hmac = (key: Buffer, data: Buffer) => createHmac("sha256", key).update(data).digest();
    const extracted = hmac(Buffer.alloc(32), Buffer.alloc(32, 7));
    const expanded = hmac(extracted, Buffer.concat([Buffer.from("reelmesh capability"), Buffer.from([1])]));
    expect(keysOf(7).derive("capability")).toEqual([expanded]);
  });
});

describe("a signed value", () => {
  test("is read back, whatever it is", () => {
    const keys = keysOf(1);
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const token = sign(keys, "grant", value);
        expect(token).toMatch(/^[\w.-]+$/);
        expect(verify(keys, "grant", token)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test("is not read when any character of it is another, when it is cut, or when it is longer", () => {
    const keys = keysOf(1);
    const token = sign(keys, "grant", ["videos/abc", 12]);
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=";
    for (let at = 0; at < token.length; at += 1) {
      for (const other of alphabet) {
        if (other === token[at]) continue;
        const forged = token.slice(0, at) + other + token.slice(at + 1);
        if (verify(keys, "grant", forged) !== undefined) throw new Error(`${forged} was taken`);
      }
      expect(verify(keys, "grant", token.slice(0, at))).toBeUndefined();
    }
    expect(verify(keys, "grant", `${token}A`)).toBeUndefined();
    expect(verify(keys, "grant", `${token}\n`)).toBeUndefined();
  });

  test("of one purpose is nothing for another", () => {
    const keys = keysOf(1);
    const token = sign(keys, "grant", 1);
    expect(PURPOSES.filter((purpose) => verify(keys, purpose, token) !== undefined)).toEqual(["grant"]);
  });
});

describe("a capability", () => {
  const expires = new Date("2026-01-01T12:00:00Z");
  const before = new Date(expires.getTime() - 1);
  const minted = { opens: "sources/abc", verbs: ["read", "write"] satisfies Verb[], expires, fence: 3 };
  const token = mintCapability(keysOf(1), minted);
  const prefix = mintCapability(keysOf(1), { opens: "renditions/abc/", verbs: ["list", "read"], expires });

  test("opens what it is for", () => {
    expect(openCapability(keysOf(1), token, { object: "sources/abc", verb: "write" }, before)).toEqual(minted);
    const opened = openCapability(keysOf(1), prefix, { object: "renditions/abc/1/2", verb: "read" }, before);
    expect(opened).toEqual({ opens: "renditions/abc/", verbs: ["read", "list"], expires });
    expect(openCapability(keysOf(1), prefix, { object: "renditions/abc/", verb: "list" }, before)).toEqual(opened);
  });

  const refused: [string, string, { object: string; verb: Verb }, Date, RegExp][] = [
    ["another object", token, { object: "sources/abd", verb: "read" }, before, /another object/],
    ["an object whose name goes on", token, { object: "sources/abcd", verb: "read" }, before, /another object/],
    ["an object under it", token, { object: "sources/abc/d", verb: "read" }, before, /another object/],
    ["the prefix above", prefix, { object: "renditions/", verb: "list" }, before, /another object/],
    ["a prefix beside it", prefix, { object: "renditions/abcd/1", verb: "read" }, before, /another object/],
    ["another verb", token, { object: "sources/abc", verb: "delete" }, before, /not for delete/],
    ["a moment too late", token, { object: "sources/abc", verb: "read" }, expires, /expired/],
    ["no capability", "", { object: "sources/abc", verb: "read" }, before, /altered/],
    ["an altered one", token.replace("W", "X"), { object: "sources/abc", verb: "read" }, before, /altered/],
    [
      "a grant that says the same",
      sign(keysOf(1), "grant", ["sources/abc", "read", 9_999_999_999, null]),
      { object: "sources/abc", verb: "read" },
      before,
      /altered/,
    ],
    [
      "a signed value of another form",
      sign(keysOf(1), "capability", {}),
      { object: "a", verb: "read" },
      before,
      /not a/,
    ],
  ];

  test.each(refused)("does not open %s", (_, given, use, now, problem) => {
    expect(() => openCapability(keysOf(1), given, use, now)).toThrow(
      expect.objectContaining({ reason: "CAPABILITY_INVALID", metadata: { problem: expect.stringMatching(problem) } }),
    );
  });

  test("signed with the old secret opens while two are in force, and not after", () => {
    const use = { object: "sources/abc", verb: "read" } as const;
    expect(openCapability(keysOf(2, 1), token, use, before)).toEqual(minted);
    expect(() => openCapability(keysOf(2), token, use, before)).toThrow(/altered/);
  });
});

describe("a page token", () => {
  const tokens = createPageTokens(keysOf(1));

  test("gives back its position, to its list alone", () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), fc.string(), (list, position, other) => {
        const token = tokens.make(list, position);
        expect(tokens.read(list, token)).toEqual(position);
        if (other !== list) expect(() => tokens.read(other, token)).toThrow(/was not made for this list/);
      }),
    );
  });

  test("that is long is still read", () => {
    const position = ["x".repeat(10_000)];
    expect(tokens.read("videos", tokens.make("videos", position))).toEqual(position);
  });

  test("that is empty stands for the first page", () => {
    expect(tokens.read("videos", "")).toBeUndefined();
  });

  test.each(["x", "a.b", createPageTokens(keysOf(2)).make("videos", ["1"])])("%j is refused", (token) => {
    expect(() => tokens.read("videos", token)).toThrow(
      expect.objectContaining({ reason: "INVALID_FIELD", metadata: expect.objectContaining({ field: "page_token" }) }),
    );
  });
});
