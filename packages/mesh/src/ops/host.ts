import { isIP } from "node:net";

/**
 * Whether a Host header names this server rather than a site that made its name resolve here (DNS rebinding): an
 * address, localhost, or a name that was allowed. A page can rebind its own name, but not become an address.
 *
 * @param allowed further names, lower-case, without a port.
 */
export function isOwnHost(host: string | undefined, allowed: readonly string[]): boolean {
  const [, bracketed, plain] =
    /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/.exec(host?.toLowerCase() ?? "") ?? [];
  const name = bracketed ?? plain;
  if (name === undefined) return false;
  return isIP(name) > 0 || name === "localhost" || name.endsWith(".localhost") || allowed.includes(name);
}
