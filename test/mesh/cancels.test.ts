import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { status } from "@grpc/grpc-js";
import { isDomainError } from "@reelmesh/mesh/errors.js";
import { setTimeout as pause } from "node:timers/promises";
import { afterTest, scope } from "../../packages/mesh/test/support/mesh.js";
import { bytesAt } from "../../packages/mesh/test/support/endless.js";
import { until } from "../../packages/mesh/test/support/until.js";
import { getBare } from "./support/bare.js";
import { bareClient, buildReplica, meshClient, startReplica, tell, type Built } from "./support/replicas.js";

const CANCELS = 10_000;
const A_SECOND = 2_000;
/** Together with the innocent ones well below any limit of concurrency: here nobody is refused for being too many. */
const AT_ONCE = 16;

let [built, builtBare]: Built[] = [];
beforeAll(async () => {
  [built, builtBare] = await Promise.all([buildReplica("replica.ts"), buildReplica("replica-bare.ts")]);
});
afterAll(() => Promise.all([built?.remove(), builtBare?.remove()]));

async function one(program: Built | undefined) {
  if (!program) throw new Error("It was not built");
  return [await startReplica(program)];
}

/**
 * Begins calls and leaves them, so many at a time, about 2,000 a second or as many as the machine has time for.
 *
 * @param seen resolves when the server has what was begun.
 */
async function leaveAll(begin: () => () => void, seen: () => Promise<unknown>): Promise<void> {
  for (let count = 0; count < CANCELS; count += AT_ONCE) {
    const next = pause((AT_ONCE / A_SECOND) * 1000);
    const leaving = Array.from({ length: AT_ONCE }, begin);
    await seen();
    for (const leave of leaving) leave();
    await next;
  }
}

/** Calls one after another until told to stop. */
function startInnocent(call: () => Promise<unknown>) {
  const failures: unknown[] = [];
  let [answered, over] = [0, false];
  const loop = async () => {
    while (!over) {
      try {
        await call();
        answered += 1;
      } catch (error) {
        failures.push(error);
      }
      await pause(2);
    }
  };
  const running = Promise.all([loop(), loop(), loop(), loop()]);
  const stop = async () => {
    over = true;
    await running;
    return { answered, failures };
  };
  afterTest(async () => {
    await stop();
  });
  return { stop, answered: () => answered };
}

test.each(["calls", "streams"] as const)(
  "2,000 %s left a second harm nobody else at the replica",
  async (kind) => {
    const replicas = await one(built);
    const client = meshClient(replicas);
    const refused = new Set<string>();
    const leave = () => {
      const gone = new AbortController();
      const left = scope({ signal: gone.signal });
      const call =
        kind === "calls"
          ? client.getObject({ object: "hold" }, left)
          : client.readObject({ object: "hold" }, left).next();
      call.catch((error: unknown) => {
        if (isDomainError(error)) refused.add(error.reason);
      });
      return () => {
        gone.abort(new Error("gone"));
      };
    };
    // A stream that lasts as long as all of it.
    const innocent = startInnocent(() => client.getObject({}, scope()));
    const stream = client.readObject({ object: "endless" }, scope());
    let offset = 0;
    const read = async () => {
      const next = await stream.next();
      if (next.done === true) throw new Error("The stream is over");
      const { data } = next.value;
      expect(data.equals(bytesAt(offset, data.length))).toBe(true);
      offset += data.length;
    };
    await read();

    await leaveAll(leave, () => client.getObject({}, scope()));
    const { answered, failures } = await innocent.stop();
    for (let messages = 0; messages < 100; messages++) await read();
    tell(`${CANCELS} ${kind} left, ${A_SECOND} a second`, {
      "innocent calls answered": answered,
      failed: failures.length,
    });
    expect(failures).toEqual([]);
    // None was refused: those that were left made room.
    expect([...refused]).toEqual([]);
    expect(offset).toBeGreaterThan(0);
    await stream.return(undefined);
  },
  120_000,
);

test("grpc-js alone loses what else is on the connection", async () => {
  const client = bareClient(await one(builtBare));
  const innocent = startInnocent(async () => {
    const code = await getBare(client, "wait/50").ended;
    if (code !== status.OK) throw new Error(status[code]);
  });
  await until(() => innocent.answered() > 0);
  const leave = () => {
    const call = getBare(client, "hold");
    return () => {
      call.cancel();
    };
  };
  await leaveAll(leave, () => getBare(client, "").ended);
  const { answered, failures } = await innocent.stop();
  tell(`${CANCELS} calls left by grpc-js alone`, { "innocent calls answered": answered, failed: failures.length });
  expect(failures.length).toBeGreaterThan(0);
}, 120_000);
