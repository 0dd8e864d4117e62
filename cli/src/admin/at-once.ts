/** Does work with each item, a few at a time; the first failure ends it when what is under way has ended. */
export async function atOnce<T>(
  items: Iterable<T> | AsyncIterable<T>,
  count: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const under = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  for await (const item of items) {
    const job: Promise<void> = work(item)
      .catch((error: unknown) => void (failure ??= { error }))
      .finally(() => under.delete(job));
    under.add(job);
    if (under.size >= count) await Promise.race(under);
    if (isFailed()) break;
  }
  await Promise.all(under);
  if (failure) throw failure.error;

  function isFailed(): boolean {
    return failure !== undefined;
  }
}
