/** Prints the digest of the secret that a process of several modules finds or makes. */
import { createHash } from "node:crypto";
import { Environment } from "../../src/environment.js";
import { readSecrets } from "../../src/secret.js";

const [secret = Buffer.alloc(0)] = readSecrets(new Environment(process.env, { alone: false }));
process.stdout.write(createHash("sha256").update(secret).digest("hex"));
