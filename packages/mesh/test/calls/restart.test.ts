import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { scope } from "../support/mesh.js";
import { buildProgram, runProgram } from "../support/process.js";
import { until } from "../support/until.js";
import { listenedClient } from "./support.js";

let program: Awaited<ReturnType<typeof buildProgram>>;
beforeAll(async () => {
  program = await buildProgram("program.ts");
});
afterAll(() => program.remove());

const CALLERS = 20;

test("the only server killed amid calls and started again loses no idempotent call, and of others those it had", async () => {
  const first = runProgram(program.file, "serves");
  const address = await first.ready();
  const { client, once } = listenedClient(address, { patienceMs: 60_000 });
  const made = { idempotent: 0, once: 0, lost: 0 };
  const over = { yet: false };
  const given = () => scope({ deadline: Date.now() + 60_000 });
  const idempotent = Array.from({ length: CALLERS }, async () => {
    for (; !over.yet; made.idempotent += 1) await client.getObject({}, given());
  });
  const others = Array.from({ length: CALLERS }, async () => {
    for (; !over.yet; made.once += 1) {
      // A method that the program refuses once it has the call.
      const outcome = await once("DeleteObject", given()).catch((error: unknown) => error);
      if (!String(outcome).includes("does not offer")) made.lost += 1;
    }
  });
  await until(() => made.idempotent > 500 && made.once > 500);
  first.kill("SIGKILL");
  await first.ended;
  const before = { ...made };
  const second = runProgram(program.file, "serves", { STORAGE_LISTEN: address });
  await second.ready();
  await until(() => made.idempotent > before.idempotent + 200 && made.once > before.once + 200);
  over.yet = true;
  // A call that was not answered rejects here.
  await Promise.all([...idempotent, ...others]);
  expect(made.lost).toBeLessThanOrEqual(CALLERS);
});
