import { setTimeout as pause } from "node:timers/promises";
import type { Environment } from "../environment.js";
import { DomainError, type Reason } from "../errors.js";
import { matchesMethod, parseFaultRules, type FaultRule } from "./rules.js";

/** Does calls harm on purpose, so that one sees how the others bear it. */
export interface Faults {
  /** The rules in force. */
  rules(): readonly FaultRule[];
  /** Puts others in force, for the calls that come from now on; none ends all harm. */
  set(rules: readonly FaultRule[]): void;
  /**
   * Does a call the harm that the rules have for it, before its handler sees it. Resolves for one that goes on.
   *
   * @param service the module that serves.
   * @param method `package.Service/Method`.
   * @throws DomainError of the rule; the signal's reason when the call ends meanwhile.
   */
  harm(service: string, method: string, signal: AbortSignal): Promise<void> | undefined;
}

/** Faults of which the first rule that matches and whose share the dice hit counts. */
export function createFaults(given: readonly FaultRule[] = [], random: () => number = Math.random): Faults {
  let rules = given;
  return {
    rules: () => rules,
    set(others) {
      rules = others;
    },
    harm(service, method, signal) {
      if (rules.length === 0) return undefined;
      const rule = rules.find(({ method: pattern = "*", share = 1 }) => {
        return matchesMethod(pattern, method) && random() < share;
      });
      return rule && suffer(rule, service, signal);
    },
  };
}

/**
 * `MESH_FAULTS=allow` lets faults be made; `MESH_FAULT_RULES` names those in force from the start; the
 * operators' port changes them. With certificates
 * (`MESH_TLS_CERT`, `MESH_TLS_KEY` or `MESH_TLS_CA`) it is a fault of the configuration: that mesh is in earnest.
 *
 * @returns undefined where faults are not allowed.
 */
export function readFaults(environment: Environment): Faults | undefined {
  const allowed = environment.oneOf("MESH_FAULTS", { values: ["allow", "never"], default: "never" }) === "allow";
  const json = environment.optional("MESH_FAULT_RULES");
  if (!allowed) {
    if (json !== undefined) environment.fault("MESH_FAULT_RULES", json, "it only with MESH_FAULTS=allow");
    return undefined;
  }
  const secure = ["MESH_TLS_CERT", "MESH_TLS_KEY", "MESH_TLS_CA"].some((name) => environment.optional(name));
  if (secure) environment.fault("MESH_FAULTS", "allow", "it only to a mesh without MESH_TLS_CERT, _KEY and _CA");
  try {
    return createFaults(json === undefined ? [] : parseFaultRules(json));
  } catch (error) {
    const problem = error instanceof Error ? error.message : "unreadable";
    environment.fault("MESH_FAULT_RULES", json, `a JSON array of rules (${problem})`);
    return undefined;
  }
}

async function suffer({ delayMs = 0, error, drop }: FaultRule, service: string, signal: AbortSignal): Promise<void> {
  try {
    if (delayMs > 0) await pause(delayMs, undefined, { signal });
    if (drop) await ended(signal);
  } catch {
    // Nothing but the signal ends a pause early.
  }
  signal.throwIfAborted();
  if (error !== undefined) throw new DomainError<Reason>(error, { service, problem: "on purpose" });
}

async function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener(
      "abort",
      () => {
        resolve();
      },
      { once: true },
    );
  });
}
