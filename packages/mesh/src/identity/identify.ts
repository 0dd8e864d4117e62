import type { Metadata } from "@grpc/grpc-js";
import type { CallContext } from "../call.js";
import { DomainError } from "../errors.js";
import type { Tokens } from "../tokens.js";
import { AUTHORIZATION, CALLER } from "../wire-names.js";

export type Identity = Pick<CallContext, "caller" | "principal" | "principalToken">;

/**
 * Finds out which service calls, and for whom.
 *
 * @param names the services in the caller's certificate; absent where calls come in plaintext.
 * @throws DomainError TOKEN_INVALID; NOT_PERMITTED when the service token is of a service that the certificate does not
 *   name.
 */
export async function identify(
  tokens: Tokens,
  metadata: Metadata,
  names: readonly string[] | undefined,
): Promise<Identity> {
  const callerToken = text(metadata, CALLER);
  const principalToken = /^Bearer (.+)$/i.exec(text(metadata, AUTHORIZATION) ?? "")?.[1];
  return {
    caller: names ? await certified(tokens, callerToken, names) : callerToken && (await tokens.serviceOf(callerToken)),
    principal: principalToken === undefined ? undefined : await tokens.principalOf(principalToken),
    principalToken,
  };
}

/**
 * With a certificate the caller is whom it names. A token that goes along chooses among several names and must agree;
 * its age does not count, so that a clock that is wrong breaks no call.
 */
async function certified(
  tokens: Tokens,
  callerToken: string | undefined,
  names: readonly string[],
): Promise<string | undefined> {
  if (callerToken === undefined) return names.length === 1 ? names[0] : undefined;
  const signer = await tokens.signerOf(callerToken);
  if (names.includes(signer)) return signer;
  throw new DomainError("NOT_PERMITTED", { action: `call as ${signer}: your certificate names another service` });
}

function text(metadata: Metadata, key: string): string | undefined {
  const [value] = metadata.get(key);
  return typeof value === "string" ? value : undefined;
}
