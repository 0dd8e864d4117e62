import { describe, expect, test } from "@jest/globals";
import { StorageServiceDefinition } from "@reelmesh/proto/reelmesh/storage/v1/storage_service.js";
import { backgroundScope, type CallContext } from "../src/call.js";
import { DEADLINE_MS } from "../src/channel.js";
import { createRawCaller } from "../src/client.js";
import { isDomainError } from "../src/errors.js";
import type { Module } from "../src/module.js";
import { channelTo, scope, startMesh, storageClient, type TestMesh } from "./support/mesh.js";
import { storageModule } from "./support/storage.js";
import { rejection, until } from "./support/until.js";

/** Resolves when a call is ended from outside. */
const ended = ({ signal }: CallContext) =>
  new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => {
      resolve();
    });
  });

/**
 * Does it again with twice the time until it says that its call arrived well before that was over: a machine may be
 * slow.
 *
 * @param attempt is given milliseconds.
 */
async function withTimeToArrive(attempt: (ms: number) => Promise<boolean>): Promise<void> {
  for (let ms = 100; !(await attempt(ms)); ms *= 2);
}

const statuses = (mesh: TestMesh) => mesh.calls().map(({ status }) => status);

/** A module that answers by asking the next one, given all it knows of the call. */
function relay(name: string, next: string): Module {
  return storageModule(
    (mesh) => {
      const client = mesh.client(next, StorageServiceDefinition);
      return {
        getObject: (request, context) => client.getObject(request, context),
        readObject: (request, context) => client.readObject(request, context),
      };
    },
    { name, clients: [next] },
  );
}

/** a calls b calls c, whose handlers wait for their end and tell of it. */
async function threeHops(): Promise<{ mesh: TestMesh; reached: CallContext[]; over: string[] }> {
  const reached: CallContext[] = [];
  const over: string[] = [];
  const wait = async (context: CallContext) => {
    reached.push(context);
    await ended(context);
    over.push(isDomainError(context.signal.reason) ? context.signal.reason.reason : "?");
    throw new Error("ended");
  };
  const last = storageModule(
    {
      getObject: (_, context) => wait(context),
      async *readObject(_, context) {
        yield { data: Buffer.from("first") };
        await wait(context);
      },
    },
    { name: "c" },
  );
  return { mesh: await startMesh([relay("a", "b"), relay("b", "c"), last]), reached, over };
}

describe("over three hops", () => {
  test("a caller that hangs up ends a unary call's work everywhere", async () => {
    const { mesh, reached, over } = await threeHops();
    const caller = new AbortController();
    const call = rejection(storageClient(mesh, { service: "a" }).getObject({}, scope({ signal: caller.signal })));
    await until(() => reached.length === 1);
    const reason = new Error("the tab was closed");
    caller.abort(reason);
    expect(await call).toBe(reason);
    await until(() => mesh.calls().length === 3);
    expect(over).toEqual(["CANCELLED"]);
    expect(mesh.calls().map(({ status }) => status)).toEqual(["CANCELLED", "CANCELLED", "CANCELLED"]);
  });

  test("a caller that leaves a stream ends its work everywhere", async () => {
    const { mesh, reached, over } = await threeHops();
    for await (const message of storageClient(mesh, { service: "a" }).readObject({}, scope())) {
      expect(message.data).toEqual(Buffer.from("first"));
      break;
    }
    await until(() => mesh.calls().length === 3);
    // The last may have learnt of it before it went on to wait.
    expect(over).toEqual(reached.map(() => "CANCELLED"));
  });

  test("a deadline travels, each hop keeping a little of it, and ends the work everywhere", () =>
    withTimeToArrive(async (ms) => {
      const { mesh, reached, over } = await threeHops();
      const deadline = Date.now() + ms;
      const failure = await rejection(storageClient(mesh, { service: "a" }).getObject({}, scope({ deadline })));
      const [last] = reached;
      if (!last) return false;
      await until(() => mesh.calls().length === 3);
      // Of a late arrival the caller's end is heard before its time is over.
      if (statuses(mesh).includes("CANCELLED")) return false;
      // Each of three hops keeps at most 20 ms, and adds the time its request took to arrive.
      expect((last.deadline ?? 0) - deadline).toBeGreaterThanOrEqual(-3 * 20);
      expect((last.deadline ?? Infinity) - deadline).toBeLessThan(DEADLINE_MS.unary - 1000);
      expect(failure).toMatchObject({ reason: "DEADLINE_EXCEEDED" });
      expect(over).toEqual(["DEADLINE_EXCEEDED"]);
      expect(statuses(mesh)).toEqual(Array(3).fill("DEADLINE_EXCEEDED"));
      return true;
    }));

  test("the request's id is the same", () =>
    withTimeToArrive(async (ms) => {
      const { mesh, reached } = await threeHops();
      const given = scope({ deadline: Date.now() + ms });
      await rejection(storageClient(mesh, { service: "a" }).getObject({}, given));
      if (reached.length === 0) return false;
      await until(() => mesh.calls().length === 3);
      expect(new Set(mesh.calls().map((line) => line.request_id))).toEqual(new Set([given.requestId]));
      return true;
    }));
});

describe("a call", () => {
  test("whose scope has ended is not made", async () => {
    const mesh = await startMesh([storageModule({})]);
    const reason = new Error("too late");
    const over = scope({ signal: AbortSignal.abort(reason) });
    expect(await rejection(storageClient(mesh).getObject({}, over))).toBe(reason);
    expect(await rejection(storageClient(mesh).readObject({}, over).next())).toBe(reason);
    expect(mesh.calls()).toEqual([]);
  });

  test("without a deadline gets that of its kind", async () => {
    const deadlines: (number | undefined)[] = [];
    const mesh = await startMesh([
      storageModule({
        async getObject(_, { deadline }) {
          deadlines.push(deadline);
          return {};
        },
        async *readObject(_, { deadline }) {
          deadlines.push(deadline);
          yield {};
        },
      }),
    ]);
    const before = Date.now();
    await storageClient(mesh).getObject({}, scope());
    await storageClient(mesh).readObject({}, scope()).next();
    const [unary, stream] = deadlines;
    expect(unary).toBeGreaterThanOrEqual(before + DEADLINE_MS.unary);
    expect(unary).toBeLessThanOrEqual(Date.now() + DEADLINE_MS.unary + 1);
    expect(stream).toBeUndefined();
  });

  /** A module whose GetObject answers once its call has ended. */
  function lateModule() {
    const reached: CallContext[] = [];
    const module = storageModule({
      async getObject(_, context) {
        reached.push(context);
        await ended(context);
        return {};
      },
    });
    return { module, reached };
  }

  test.each(["typed", "raw"])("that is not answered in the time of its kind has failed (%s)", (form) =>
    withTimeToArrive(async (unary) => {
      const { module, reached } = lateModule();
      const mesh = await startMesh([module]);
      const options = { deadlines: { ...DEADLINE_MS, unary } };
      const path = "/reelmesh.storage.v1.StorageService/GetObject";
      const call =
        form === "raw"
          ? createRawCaller(channelTo(mesh, options))(path, Buffer.alloc(0), scope())
          : storageClient(mesh, options).getObject({}, scope());
      expect(await rejection(call)).toMatchObject({ reason: "DEADLINE_EXCEEDED" });
      if (reached.length === 0) return false;
      await until(() => mesh.calls().length === 1);
      if (statuses(mesh).includes("CANCELLED")) return false;
      // A handler that answers all the same is written down as what its caller saw.
      expect(statuses(mesh)).toEqual(["DEADLINE_EXCEEDED"]);
      return true;
    }),
  );

  test("of a background scope ends with it", () =>
    withTimeToArrive(async (timeoutMs) => {
      const { module, reached } = lateModule();
      const mesh = await startMesh([module]);
      const given = backgroundScope(new AbortController().signal, { timeoutMs });
      expect(await rejection(storageClient(mesh).getObject({}, given))).toMatchObject({ reason: "DEADLINE_EXCEEDED" });
      if (reached.length === 0) return false;
      await until(() => mesh.calls().length === 1);
      return true;
    }));
});

describe("a stream", () => {
  test.each([0, 2])("that falls silent after %d messages has failed", (before) =>
    withTimeToArrive(async (stream) => {
      const reached: CallContext[] = [];
      const mesh = await startMesh([
        storageModule({
          async *readObject(_, context) {
            for (let index = 0; index < before; index += 1) yield { data: Buffer.from("x") };
            reached.push(context);
            await ended(context);
          },
        }),
      ]);
      const client = storageClient(mesh, { deadlines: { ...DEADLINE_MS, stream } });
      let received = 0;
      const read = async () => {
        for await (const { data } of client.readObject({}, scope())) received += data.length;
      };
      expect(await rejection(read())).toMatchObject({ reason: "DEADLINE_EXCEEDED" });
      if (reached.length === 0 || received < before) return false;
      expect(received).toBe(before);
      await until(() => mesh.calls().length === 1);
      return true;
    }),
  );

  test("whose reader takes its time has not", async () => {
    const mesh = await startMesh([
      storageModule({
        async *readObject({ object }, context) {
          if (object === "silent") await ended(context);
          for (let index = 0; index < 3; index += 1) yield { data: Buffer.from("x") };
        },
      }),
    ]);
    const client = storageClient(mesh, { deadlines: { ...DEADLINE_MS, stream: 1000 } });
    const messages = client.readObject({}, scope());
    await messages.next();
    // Meanwhile another stream's time begins and passes.
    expect(await rejection(client.readObject({ object: "silent" }, scope()).next())).toMatchObject({
      reason: "DEADLINE_EXCEEDED",
    });
    expect(await messages.next()).toMatchObject({ done: false });
    expect(await messages.next()).toMatchObject({ done: false });
    expect(await messages.next()).toMatchObject({ done: true });
  });

  test("ends with its scope, for the scope's own reason", async () => {
    const mesh = await startMesh([
      storageModule({
        async *readObject(_, context) {
          yield { data: Buffer.from("x") };
          await ended(context);
        },
      }),
    ]);
    const caller = new AbortController();
    const messages = storageClient(mesh).readObject({}, scope({ signal: caller.signal }));
    await messages.next();
    const next = rejection(messages.next());
    const reason = new Error("the viewer left");
    caller.abort(reason);
    expect(await next).toBe(reason);
  });
});
