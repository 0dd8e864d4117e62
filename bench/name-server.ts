/**
 * A DNS server of one zone, in a process of its own: whatever name is asked for, it answers with the IPv4 addresses that
 * it was last told, or as it was told to fail (RFC 1035). Its arguments are the address and port to listen at.
 */
import { createSocket } from "node:dgram";
import type { Names } from "./failures.js";

const HEADER_BYTES = 12;
/** A response, authoritative. */
const RESPONSE = 0x84_00;
const SERVFAIL = 2;
const TYPE_A = 1;

const [, , address = "127.0.0.1", port = "53"] = process.argv;
let names: Names = [];
let asked = 0;

const socket = createSocket("udp4");
socket.on("message", (query, from) => {
  asked += 1;
  if (names !== "silent") socket.send(answerTo(query, names), from.port, from.address);
});

function answerTo(query: Buffer, known: Exclude<Names, "silent">): Buffer {
  const nameEnd = query.indexOf(0, HEADER_BYTES) + 1;
  const question = query.subarray(HEADER_BYTES, nameEnd + 4);
  // There are no IPv6 addresses, which is an answer too.
  const addresses = known !== "failing" && query.readUInt16BE(nameEnd) === TYPE_A ? known : [];
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(known === "failing" ? RESPONSE | SERVFAIL : RESPONSE, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  const records = addresses.map((ip) =>
    // The question's name, A, IN, no time to live, four bytes.
    Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4, ...ip.split(".").map(Number)]),
  );
  return Buffer.concat([header, question, ...records]);
}

const bound = new Promise<void>((resolve) => {
  socket.bind(Number(port), address, resolve);
});
process.on("message", ([given]: [Names]) => {
  names = given;
  void bound.then(() => process.send?.(asked));
});
process.on("disconnect", () => process.exit());
