import { askView, distinct, statesIn } from "@reelmesh/mesh/ops/ask.js";
import type { Answer, MeshState } from "@reelmesh/mesh/ops/state.js";

/** Asks every process at once, and through them those that they are told of; each answers once. */
export async function askAll(addresses: readonly string[]): Promise<readonly Answer[]> {
  return distinct((await Promise.all(addresses.map((address) => askView(address)))).flat());
}

/** The states of the processes that answered. @throws Error when none did. */
export function statesOf(answers: readonly Answer[]): readonly MeshState[] {
  const states = statesIn(answers);
  if (states.length > 0) return states;
  throw new Error(
    answers.map((answer) => `${answer.address}: ${"problem" in answer ? answer.problem : "no answer"}`).join("\n"),
  );
}
