import { DomainError, isDomainError } from "@reelmesh/mesh/errors.js";

const FAULTS = ["TypeError", "RangeError", "ReferenceError"];

/** What Azure, or the way to it, answered instead of the wanted. */
export interface AzureFailure {
  /** The HTTP status; undefined when nothing came back. */
  readonly status: number | undefined;
  /** Azure's name of the error, such as `BlobNotFound`; undefined in answers to HEAD. */
  readonly code: string | undefined;
}

/** What went wrong in a call of the SDK; undefined for errors that are not its own. */
export function azureFailure(error: unknown): AzureFailure | undefined {
  if (!isNamed(error) || error.name !== "RestError") return undefined;
  const status = "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : undefined;
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return { status, code };
}

/** Whether the SDK failed with one of these HTTP statuses. */
export function answered(error: unknown, ...statuses: readonly number[]): boolean {
  const status = azureFailure(error)?.status;
  return status !== undefined && statuses.includes(status);
}

/** Whether Azure gave one of these codes. */
export function gaveCode(error: unknown, ...codes: readonly string[]): boolean {
  const code = azureFailure(error)?.code;
  return code !== undefined && codes.includes(code);
}

/** Calls the SDK; what the caller did not foresee becomes STORE_UNAVAILABLE. */
export async function onAzure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asDomainError(error);
  }
}

/** What an error of the SDK or of the network is to a caller; a fault in the program is returned as it is. */
export function asDomainError(error: unknown): unknown {
  if (isDomainError(error) || (isNamed(error) && FAULTS.includes(error.name))) return error;
  return unavailable(error);
}

export function unavailable(cause: unknown): DomainError {
  const error = new DomainError("STORE_UNAVAILABLE");
  error.cause = cause;
  return error;
}

/** Told by its shape: what Node throws is not always an Error of the realm that catches it. */
function isNamed(error: unknown): error is { readonly name: string } {
  return typeof error === "object" && error !== null && "name" in error && typeof error.name === "string";
}
