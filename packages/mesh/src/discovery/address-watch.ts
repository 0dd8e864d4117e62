import { isIP } from "node:net";
import { formatAddress, type Address } from "./address.js";
import { watchName, type NameWatch, type NameWatchOptions } from "./name-watch.js";

/** Where a service's replicas are, kept up to date. */
export interface AddressWatch {
  /** Has the addresses told again soon, names asked anew. */
  refresh(): void;
  close(): void;
}

/**
 * Watches addresses: IP addresses stand as they are, names for all that DNS says of them (A and AAAA).
 *
 * @param tell called, never within this call, with the replicas whenever they change or {@link AddressWatch.refresh} asked;
 *   with the failure while no name has ever been resolved and there is nothing else.
 */
export function watchAddresses(
  addresses: readonly Address[],
  options: NameWatchOptions,
  tell: (replicas: readonly Address[], failure?: unknown) => void,
): AddressWatch {
  const watches = new Map<string, NameWatch>();
  let told: string | undefined;
  let asked = true;
  let closed = false;

  const report = (failure?: unknown) => {
    if (closed) return;
    const replicas = replicasOf(addresses, watches);
    const text = replicas.map(formatAddress).join();
    if (text === told && !asked) return;
    if (replicas.length > 0) told = text;
    asked = replicas.length === 0;
    tell(replicas, failure);
  };

  for (const { host } of addresses) {
    if (isIP(host) === 0 && !watches.has(host)) watches.set(host, watchName(host, options, report));
  }
  const reportSoon = () => {
    setImmediate(report);
  };
  if (watches.size < new Set(addresses.map(({ host }) => host)).size) reportSoon();
  return {
    refresh() {
      asked = true;
      if (watches.size === 0) reportSoon();
      for (const watch of watches.values()) watch.refresh();
    },
    close() {
      closed = true;
      for (const watch of watches.values()) watch.close();
    },
  };
}

/** Every replica once. */
function replicasOf(addresses: readonly Address[], watches: ReadonlyMap<string, NameWatch>): readonly Address[] {
  const replicas = new Map<string, Address>();
  for (const { host, port } of addresses) {
    const watch = watches.get(host);
    for (const ip of watch ? (watch.known() ?? []) : [host]) {
      const replica = { host: ip, port };
      replicas.set(formatAddress(replica), replica);
    }
  }
  return [...replicas.values()];
}
