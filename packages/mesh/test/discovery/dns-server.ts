import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { afterTest } from "../support/mesh.js";
import type { Lookup } from "../../src/discovery/lookup.js";

/** A DNS server that knows one name. */
export interface DnsServer {
  /** The name's IPv4 addresses; undefined: it answers SERVFAIL; "silent": nothing. */
  addresses: readonly string[] | undefined | "silent";
  /** Questions asked so far. */
  asked(): number;
  /** Asks this server, and gives up soon. */
  readonly lookup: Lookup;
}

const HEADER_BYTES = 12;
const RESPONSE = 0x84_00;
const SERVFAIL = 2;
const TYPE_A = 1;

/** Starts a DNS server on a free UDP port (RFC 1035). */
export async function startDnsServer(addresses: DnsServer["addresses"]): Promise<DnsServer> {
  const socket = createSocket("udp4");
  let asked = 0;
  socket.on("message", (query, from) => {
    asked += 1;
    if (server.addresses === "silent") return;
    socket.send(answerTo(query, server.addresses), from.port, from.address);
  });
  await new Promise<void>((resolve) => {
    socket.bind(0, "127.0.0.1", resolve);
  });
  const resolver = new Resolver({ timeout: 200, tries: 1 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  const server: DnsServer = { addresses, asked: () => asked, lookup: (name) => resolver.resolve4(name) };
  afterTest(() => {
    resolver.cancel();
    socket.close();
  });
  return server;
}

function answerTo(query: Buffer, addresses: readonly string[] | undefined): Buffer {
  const question = query.subarray(HEADER_BYTES, query.indexOf(0, HEADER_BYTES) + 5);
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(addresses ? RESPONSE : RESPONSE | SERVFAIL, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses?.length ?? 0, 6);
  const records = (addresses ?? []).map((address) =>
    // The question's name, A, IN, no time to live, four bytes.
    Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split(".").map(Number)]),
  );
  return Buffer.concat([header, question, ...records]);
}
