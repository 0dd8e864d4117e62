import type { MeshState } from "@reelmesh/mesh/ops/state.js";

/** What an operators' port answered, or why it did not. */
export type Answer =
  { readonly address: string; readonly state: MeshState } | { readonly address: string; readonly problem: string };

const PATIENCE_MS = 3_000;

/** Asks every process at once. */
export function askAll(addresses: readonly string[]): Promise<readonly Answer[]> {
  return Promise.all(addresses.map(ask));
}

/** The states of the processes that answered. @throws Error when none did. */
export function statesOf(answers: readonly Answer[]): readonly MeshState[] {
  const states = answers.flatMap((answer) => ("state" in answer ? [answer.state] : []));
  if (states.length > 0) return states;
  throw new Error(
    answers.map((answer) => `${answer.address}: ${"problem" in answer ? answer.problem : "no answer"}`).join("\n"),
  );
}

async function ask(address: string): Promise<Answer> {
  try {
    const response = await fetch(`http://${address}/mesh/state`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.headers.get("content-type") !== "application/json") {
      return { address, problem: "is no operators' port of Reelmesh" };
    }
    if (!response.ok) return { address, problem: `answered ${response.status}` };
    const state: unknown = await response.json();
    return isState(state) ? { address, state } : { address, problem: "answered what is not a mesh's state" };
  } catch (error) {
    return { address, problem: problemOf(error) };
  }
}

function isState(value: unknown): value is MeshState {
  return (
    typeof value === "object" && value !== null && "modules" in value && Array.isArray(value.modules) && "made" in value
  );
}

/** Why a request got no answer, in words. */
export function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${PATIENCE_MS / 1000} s`;
  const { cause } = error;
  if (cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED") return "nothing listens there";
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message;
}
