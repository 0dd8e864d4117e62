/** Waits for a promise, but no longer than `ms`: false when it is still pending then. Rejects as the promise does. */
export async function settlesWithin(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([promise.then(() => true), enough]);
  } finally {
    clearTimeout(timer);
  }
}
