/** A place to connect to. */
export interface Address {
  /** A name, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

const ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/,]+)):(\d{1,5})$/;

/** Reads `host:port`, `[v6]:port`, or several of them, comma separated. Undefined when one cannot be read. */
export function parseAddresses(list: string): readonly Address[] | undefined {
  const addresses: Address[] = [];
  for (const text of list.split(",")) {
    const parts = ADDRESS.exec(text.trim());
    const host = parts?.[1] ?? parts?.[2];
    const port = Number(parts?.[3]);
    if (host === undefined || !(port >= 1 && port <= 65_535)) return undefined;
    addresses.push({ host, port });
  }
  return addresses;
}

/** `host:port`, with brackets where the host needs them. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
