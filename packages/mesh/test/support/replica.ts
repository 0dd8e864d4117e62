/** One replica of a storage service in a process of its own; its argument is its name. Its one object is endless. */
import { run } from "../../src/run.js";
import { bytesAt, ETAG, PIECE } from "./endless.js";
import { storageModule } from "./storage.js";

const [, , name = ""] = process.argv;

const storage = storageModule({
  getObject: async () => ({ name }),
  async *readObject({ offset, length }) {
    yield { object: { name, etag: ETAG } };
    const end = Number(offset) + Number(length);
    for (let at = Number(offset); at < end; at += PIECE) {
      yield { data: bytesAt(at, Math.min(PIECE, end - at)) };
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  },
});

await run([storage], (mesh) => process.stdout.write(`ready ${mesh.addressOf("storage")}\n`));
