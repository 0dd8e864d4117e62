import type { CallContext } from "./call.js";
import type { ServiceDefinition } from "./definition.js";
import { DomainError } from "./errors.js";

/** Who may call a method. What they may do with which resource is the method's own business. */
export type AccessRule = "anybody" | "people" | "operators" | { readonly services: readonly string[] };

/**
 * The principal of whoever operates the mesh: nobody can sign in as it, only who holds `MESH_SECRET` can make its token.
 */
export const OPERATOR = { name: "operators/local" } as const;

/** A rule for every method: one without a rule does not compile, and is refused should it come about all the same. */
export type AccessTable<S extends ServiceDefinition> = { readonly [M in keyof S["methods"]]: AccessRule };

/** For the services of the mesh named here alone. */
export function services(...names: readonly string[]): AccessRule {
  return { services: names };
}

/** @throws DomainError SIGN_IN_REQUIRED or NOT_PERMITTED when the caller may not call this method. */
export function assertMayCall(rule: AccessRule | undefined, context: Pick<CallContext, "caller" | "principal">): void {
  if (rule === "anybody") return;
  if (rule === "people" || rule === "operators") {
    if (!context.principal) throw new DomainError("SIGN_IN_REQUIRED");
    if ((context.principal.name === OPERATOR.name) === (rule === "operators")) return;
    throw new DomainError("NOT_PERMITTED", { action: "call this method" });
  }
  if (context.caller !== undefined && rule?.services.includes(context.caller)) return;
  throw new DomainError("NOT_PERMITTED", { action: "call this method" });
}
