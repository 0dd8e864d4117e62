import type { IncomingCall } from "../running-call.js";
import { servicesNamed } from "./spiffe.js";

/** The services that the caller's certificate names; none in plaintext. */
export type PeerNames = (call: Pick<IncomingCall, "getAuthContext">) => readonly string[];

/**
 * Reads callers' certificates once a connection: Node parses one anew each time it is asked. A connection keeps the
 * certificate it began with, and an address and port may be another's a moment later: what is remembered goes with the
 * session itself.
 */
export function createPeerNames(): PeerNames {
  const known = new WeakMap<object, readonly string[]>();
  return (call) => {
    const session = sessionOf(call);
    const remembered = session && known.get(session);
    if (remembered) return remembered;
    const names = servicesNamed(call.getAuthContext().sslPeerCertificate?.subjectaltname);
    if (session) known.set(session, names);
    return names;
  };
}

/** The HTTP/2 session of a call, which grpc-js keeps to itself; undefined where it keeps it elsewhere. */
function sessionOf(call: object): object | undefined {
  const session = ["call", "stream", "session"].reduce<unknown>(
    (holder, key) => (typeof holder === "object" && holder !== null ? Reflect.get(holder, key) : undefined),
    call,
  );
  return typeof session === "object" && session !== null ? session : undefined;
}
