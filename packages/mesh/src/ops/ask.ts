import type { Answer, MeshState, MeshView } from "./state.js";

/** How long an operators' port may take to answer, in milliseconds. */
const PATIENCE_MS = 3_000;

/** Asks an operators' port what its process knows. Never rejects. */
export async function askState(address: string, patienceMs = PATIENCE_MS): Promise<Answer> {
  const found = await ask(address, "/mesh/state", patienceMs, isState);
  return "problem" in found ? { address, ...found } : { address, state: found.answer };
}

/** The same of its process and of those that it is told of, each once. */
export async function askView(address: string, patienceMs = PATIENCE_MS): Promise<readonly Answer[]> {
  const found = await ask(address, "/mesh/all", patienceMs, isView);
  return "problem" in found ? [{ address, ...found }] : answersOf(found.answer, address);
}

/** A view as answers: the process's own first, those of others once each. */
export function answersOf({ state, peers }: MeshView, address: string): readonly Answer[] {
  return distinct([{ address, state }, ...peers]);
}

/** The first answer of each process, and of each address that did not answer. */
export function distinct(answers: readonly Answer[]): readonly Answer[] {
  const known = new Set<string>();
  return answers.filter((answer) => {
    const key = "state" in answer ? answer.state.instance : answer.address;
    if (known.has(key)) return false;
    known.add(key);
    return true;
  });
}

/** The states among answers. */
export function statesIn(answers: readonly Answer[]): readonly MeshState[] {
  return answers.flatMap((answer) => ("state" in answer ? [answer.state] : []));
}

type Found<T> = { readonly answer: T } | { readonly problem: string };

async function ask<T>(
  address: string,
  path: string,
  patienceMs: number,
  isAnswer: (value: unknown) => value is T,
): Promise<Found<T>> {
  try {
    const signal = AbortSignal.timeout(patienceMs);
    const response = await fetch(`http://${address}${path}`, { signal, redirect: "error" });
    if (response.headers.get("content-type") !== "application/json") {
      return { problem: "is no operators' port of Reelmesh" };
    }
    if (!response.ok) return { problem: `answered ${response.status}` };
    const answer: unknown = await response.json();
    return isAnswer(answer) ? { answer } : { problem: "answered what is not a mesh's state" };
  } catch (error) {
    return { problem: problemOf(error, patienceMs) };
  }
}

function isState(value: unknown): value is MeshState {
  return (
    typeof value === "object" &&
    value !== null &&
    "instance" in value &&
    "modules" in value &&
    Array.isArray(value.modules) &&
    "made" in value
  );
}

function isView(value: unknown): value is MeshView {
  return (
    typeof value === "object" &&
    value !== null &&
    "state" in value &&
    isState(value.state) &&
    "peers" in value &&
    Array.isArray(value.peers)
  );
}

/** Why a request got no answer, in words. */
export function problemOf(error: unknown, patienceMs = PATIENCE_MS): string {
  if (!isError(error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${patienceMs / 1000} s`;
  const { cause } = error;
  if (!isError(cause)) return error.message;
  return "code" in cause && cause.code === "ECONNREFUSED" ? "nothing listens there" : cause.message || error.message;
}

/** Told by its shape: what fetch rejects with is not always an Error of the realm that catches it. */
function isError(
  value: unknown,
): value is { readonly name: string; readonly message: string; readonly cause?: unknown } {
  return (
    typeof value === "object" &&
    value !== null &&
    "name" in value &&
    "message" in value &&
    typeof value.message === "string"
  );
}
