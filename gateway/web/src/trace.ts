function hex(bytes: number): string {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  const text = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  // Ids of zeros alone are invalid.
  return /[^0]/.test(text) ? text : hex(bytes);
}

/** The header that begins a trace of one request (https://www.w3.org/TR/trace-context/). */
export function newTraceparent(): string {
  return `00-${hex(16)}-${hex(8)}-01`;
}
