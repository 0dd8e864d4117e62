import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect, type PeerCertificate } from "node:tls";
import { expect, test } from "@jest/globals";
import { createCertificates, tlsVariables } from "../../bench/certificates.js";
import { wrongClock, type Caller, type Replica } from "../../bench/failures.js";
import { until } from "../support/until.js";
import { calls, finish, settled, useMatrix } from "./support/matrix.js";

const PATIENCE_MS = 120_000;
const matrix = useMatrix();

const RENEWED = "new certificates are in use";

/** Services with certificates. */
function certified() {
  const certificates = createCertificates(["storage", "tester"]);
  matrix.cleanup.add(async () => {
    certificates.remove();
  });
  const { storage, tester } = certificates.files;
  if (!storage || !tester) throw new Error("There are no certificates");
  return { certificates, storage, tester, variables: tlsVariables(storage) };
}

/** Resolves when every process has read its certificates so many times anew. */
function renewed(processes: readonly (Replica | Caller)[], times: number): Promise<true> {
  return until(() => processes.every((child) => child.output().split(RENEWED).length - 1 >= times) || undefined);
}

/** The certificate that a replica now shows. */
async function shownBy({ mesh }: Replica, files: { certificate: string; key: string; authority: string }) {
  const [host = "", port] = mesh.split(":");
  const shown = await new Promise<PeerCertificate>((resolve, reject) => {
    const socket = connect({
      host,
      port: Number(port),
      cert: readFileSync(files.certificate),
      key: readFileSync(files.key),
      ca: readFileSync(files.authority),
      ALPNProtocols: ["h2"],
      checkServerIdentity: () => undefined,
    });
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    });
  });
  return createHash("sha256").update(shown.raw).digest("hex");
}

test(
  "certificates renewed again and again, and their authority replaced, fail no call and are in use at once",
  async () => {
    const { certificates, storage, tester, variables } = certified();
    const often = { MESH_TLS_REFRESH_MS: "100", MESH_TLS_CONNECTION_AGE_MS: "3000", LOG_LEVEL: "info" };
    const replicas = await matrix.replicas(["a", "b"], { variables: { ...variables, ...often } });
    const caller = await matrix.callers(["reelmesh", "once", "round_robin"], replicas, { tls: tester });
    await settled(caller, replicas);
    const steps = [
      ...Array.from({ length: 6 }, () => "renew" as const),
      ...(["trust both", "issue by the new", "trust the new"] as const),
    ];
    for (const [index, step] of steps.entries()) {
      if (step === "renew") certificates.renew();
      else certificates.replaceAuthority(step);
      await renewed([...replicas, caller], index + 1);
      const { raw } = new X509Certificate(readFileSync(storage.certificate));
      const wanted = createHash("sha256").update(raw).digest("hex");
      for (const replica of replicas) expect(await shownBy(replica, tester)).toBe(wanted);
      const { reelmesh } = await caller.ask("tell");
      await calls(caller, (reelmesh?.calls ?? 0) + 30);
    }
    // Longer than any connection lasts: the last were made by an authority that was not trusted at first.
    const { reelmesh } = await caller.ask("tell");
    await calls(caller, (reelmesh?.calls ?? 0) + 150);
    const tally = await finish(caller, "certificates renewed 9 times, the authority replaced");
    for (const name of ["reelmesh", "once"] as const) expect(tally(name).reasons).toEqual({});
    for (const child of [...replicas, caller]) expect(child.output()).not.toContain("cannot be used");
  },
  PATIENCE_MS,
);

test.each([
  ["ten minutes slow", -600_000],
  ["ten minutes fast", 600_000],
])(
  "a caller whose clock is %s fails no call, with certificates or without",
  async (what, offMs) => {
    const { tester, variables } = certified();
    const plain = await matrix.replicas(["a", "b"]);
    const secure = await matrix.replicas(["c", "d"], { variables });
    const node = wrongClock(offMs);
    const callers = ["reelmesh", "round_robin"] as const;
    const [inPlaintext, withCertificates] = [
      await matrix.callers(callers, plain, {}, { node }),
      await matrix.callers(callers, secure, { tls: tester }, { node }),
    ];
    await Promise.all([inPlaintext, withCertificates].map((caller) => calls(caller, 100)));
    for (const [caller, how] of [
      [inPlaintext, "plaintext"],
      [withCertificates, "mTLS"],
    ] as const) {
      const tally = await finish(caller, `a caller's clock ${what}, ${how}`);
      expect(tally("reelmesh").reasons).toEqual({});
    }
  },
  PATIENCE_MS,
);
