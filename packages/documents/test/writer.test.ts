import { expect, test } from "@jest/globals";
import { DuplicateKeyError, StoreUnavailableError } from "../src/errors.js";
import { Writer, type Transactions } from "../src/writer.js";

/** A disk that is done with a transaction when it is told. */
function slowDisk(): { transactions: Transactions; flushes: (() => void)[]; begun: Promise<void> } {
  const flushes: (() => void)[] = [];
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const transactions: Transactions = {
    childTransaction: async (action) => {
      const result = action();
      begin();
      await new Promise<void>((resolve) => flushes.push(resolve));
      return result;
    },
    usable: () => true,
  };
  return { transactions, flushes, begun };
}

test("a write is acknowledged when its transaction is on disk, and what came meanwhile shares the next", async () => {
  const { transactions, flushes, begun } = slowDisk();
  const writer = new Writer(transactions);
  const log: string[] = [];
  const write = async (name: string): Promise<void> => {
    await writer.write(() => log.push(`${name} ran`));
    log.push(`${name} acknowledged`);
  };
  const first = [write("a"), write("b")];
  await begun;
  expect(log).toEqual(["a ran", "b ran"]);
  const second = [write("c"), write("d"), write("e")];
  await new Promise(setImmediate);
  expect(log).toEqual(["a ran", "b ran"]);
  flushes[0]?.();
  await Promise.all(first);
  await new Promise(setImmediate);
  expect([...log].sort()).toEqual(["a acknowledged", "a ran", "b acknowledged", "b ran", "c ran", "d ran", "e ran"]);
  expect(flushes).toHaveLength(2);
  flushes[1]?.();
  await Promise.all(second);
  await writer.idle();
  expect(writer.busy).toBe(false);
  expect(log.slice(-3)).toEqual(["c acknowledged", "d acknowledged", "e acknowledged"]);
});

test("a refusal is its own writer's, once the batch is on disk", async () => {
  const writer = new Writer({ childTransaction: async (action) => action(), usable: () => true });
  const refused = writer.write(() => {
    throw new DuplicateKeyError("things", ["_id"]);
  });
  const written = writer.write(() => "written");
  await expect(refused).rejects.toBeInstanceOf(DuplicateKeyError);
  await expect(written).resolves.toBe("written");
});

test("a failing disk fails the whole batch; the next is tried as soon as it can be", async () => {
  const disk = { failing: true, usable: false };
  const writer = new Writer({
    childTransaction: async (action) => {
      const result = action();
      if (!disk.failing) return result;
      const commitError = Promise.reject(new Error("No space left on device"));
      throw Object.assign(new Error("Commit failed (see commitError for details)"), { commitError });
    },
    usable: () => disk.usable,
  });
  const failed = [writer.write(() => 1), writer.write(() => 2)];
  for (const outcome of await Promise.allSettled(failed))
    expect(outcome).toMatchObject({ status: "rejected", reason: { name: "StoreUnavailableError" } });
  disk.failing = false;
  expect(() => {
    writer.assertUsable();
  }).toThrow("unavailable: No space left on device");
  await expect(writer.write(() => 3)).rejects.toBeInstanceOf(StoreUnavailableError);
  disk.usable = true;
  await expect(writer.write(() => 4)).resolves.toBe(4);
  disk.usable = false;
  await expect(writer.write(() => 5)).resolves.toBe(5);
});
