/** A process of its own for tests: what it is to do is its first argument. Prints where it serves when ready. */
import { defineModule } from "../../src/module.js";
import { run } from "../../src/run.js";
import { storageModule } from "./storage.js";

const [, , task] = process.argv;

const worker = defineModule({
  name: "worker",
  clients: [],
  config: () => undefined,
  async start(_, mesh) {
    if (task === "cannot start") throw new Error("no store", { cause: new Error("connection refused") });
    return {
      async stop() {
        process.stdout.write("stopped worker\n");
        if (task === "hangs") await new Promise((resolve) => setTimeout(resolve, 3_600_000));
      },
      ...(task === "fails" && {
        check: async () =>
          void setImmediate(() => {
            mesh.fail(new Error("the lock is lost"));
          }),
      }),
    };
  },
});

const storage = storageModule({
  async getObject() {
    if (task === "rejects") void Promise.reject(new Error("nobody looked"));
    if (task === "throws") setImmediate(throwSomething);
    return {};
  },
  async *readObject(_, { signal }) {
    yield { data: Buffer.from("first") };
    await new Promise((resolve) => {
      signal.addEventListener("abort", resolve);
    });
  },
});

function throwSomething() {
  throw new Error("nobody looked");
}

await run([storage, worker], (mesh) => process.stdout.write(`ready ${mesh.addressOf("storage")}\n`));
