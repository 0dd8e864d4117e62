import type { IncomingMessage } from "node:http";
import { EdgeError } from "./problem.js";

/** Methods that change nothing (RFC 9110, section 9.2.1). */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Origin-form (RFC 9112, section 3.2.1) in printable ASCII, without a fragment. */
const TARGET = /^\/[\x21\x22\x24-\x7e]*$/;

const LOOPBACK = /^(?:localhost|(?:[a-z0-9-]+\.)+localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * Refuses what a browser may have been talked into by another site: a foreign Host, as DNS rebinding sends it, and
 * writes from foreign pages. Programs that are not browsers send no Origin and pass.
 *
 * @param allowedHosts - names besides loopback, lower-case; with a port (`example.org:8443`) only that one.
 * @throws EdgeError MALFORMED_TARGET, HOST_NOT_SERVED, ORIGIN_NOT_ALLOWED.
 */
export function checkRequest(request: IncomingMessage, allowedHosts: readonly string[]): void {
  if (!TARGET.test(request.url ?? "") && !isServerWideOptions(request)) throw new EdgeError("MALFORMED_TARGET");
  const host = soleHost(request);
  if (host === undefined || !isAllowedHost(host, allowedHosts)) throw new EdgeError("HOST_NOT_SERVED");
  if (!SAFE_METHODS.has(request.method ?? "") && !isFromHere(request, host)) throw new EdgeError("ORIGIN_NOT_ALLOWED");
}

/** Whether a Host header's value names this server. */
export function isAllowedHost(host: string, allowedHosts: readonly string[]): boolean {
  const parts = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/.exec(host.toLowerCase());
  if (parts?.[1] === undefined) return false;
  return LOOPBACK.test(parts[1]) || allowedHosts.includes(parts[1]) || allowedHosts.includes(parts[0]);
}

function isServerWideOptions(request: IncomingMessage): boolean {
  return request.method === "OPTIONS" && request.url === "*";
}

function soleHost(request: IncomingMessage): string | undefined {
  const hosts = request.headersDistinct.host;
  return hosts?.length === 1 ? hosts[0] : undefined;
}

/** The order of Go's net/http.CrossOriginProtection: what the browser says of the site first, then Origin. */
function isFromHere(request: IncomingMessage, host: string): boolean {
  const site = request.headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin" || site === "none";
  const { origin } = request.headers;
  return origin === undefined || isSameHost(origin, host);
}

/** Compares without the scheme, which a proxy that ends TLS hides from us; a port left out is the scheme's own. */
function isSameHost(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: originHost } = new URL(origin);
  if (protocol !== "http:" && protocol !== "https:") return false;
  const ours = `${protocol}//${host}`;
  return URL.canParse(ours) && new URL(ours).host === originHost;
}
