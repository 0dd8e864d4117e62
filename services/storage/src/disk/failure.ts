import { DomainError, isDomainError } from "@reelmesh/mesh/errors.js";

/** Whether the file system refused with one of these codes, such as `ENOENT`. */
export function failedWith(error: unknown, ...codes: readonly string[]): boolean {
  return isSystemError(error) && codes.includes(error.code);
}

/** What is found, or undefined when the file or folder is not there. */
export async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (failedWith(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Does work on the file system; what the file system refuses becomes NO_SPACE or STORE_UNAVAILABLE. */
export async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asDomainError(error);
  }
}

/** What an error of the file system is to a caller; any other is returned as it is. */
export function asDomainError(error: unknown): unknown {
  if (isDomainError(error) || !isSystemError(error)) return error;
  const domainError = failedWith(error, "ENOSPC", "EDQUOT")
    ? new DomainError("NO_SPACE")
    : new DomainError("STORE_UNAVAILABLE");
  domainError.cause = error;
  return domainError;
}

/** @param problem what is wrong, in words that fit after "is damaged:". */
export function damaged(resource: string, problem: string): DomainError {
  return new DomainError("OBJECT_DAMAGED", { resource, problem: `${problem}; delete it and store it again` });
}

/** Told by its shape: what Node throws is not always an Error of the realm that catches it. */
function isSystemError(error: unknown): error is { readonly code: string; readonly syscall: string } {
  if (typeof error !== "object" || error === null || !("code" in error) || !("syscall" in error)) return false;
  return typeof error.code === "string" && typeof error.syscall === "string";
}
