import { lookup } from "node:dns/promises";

/** All IP addresses of a name. Rejects when they cannot be had. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/** Each look-up holds one of libuv's four threads, which files need too, for as long as a dead DNS server stays silent. */
const AT_A_TIME = 2;

let running = 0;
const waiting: (() => void)[] = [];

/** Asks as every other program on the machine does, hosts file and search domains included (getaddrinfo). */
export const systemLookup: Lookup = async (name) => {
  if (running >= AT_A_TIME) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    const found = await lookup(name, { all: true });
    return found.map(({ address }) => address);
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
};
