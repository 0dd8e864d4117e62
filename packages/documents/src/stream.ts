/** What a stream yields where it looked at an entry in vain, so that whoever reads it can pause. */
export type Step<V> = V | undefined;

/**
 * Merges streams that are each in order. Holds one value a stream.
 *
 * @param compare negative where the first comes before the second; streams earlier in the list win ties.
 */
export function* merged<V extends object>(
  streams: readonly Iterable<Step<V>>[],
  compare: (a: V, b: V) => number,
): Generator<Step<V>> {
  const iterators = streams.map((stream) => stream[Symbol.iterator]());
  const heads: { value: V; from: number }[] = [];
  try {
    for (const from of iterators.keys()) yield* advance(iterators, heads, from, compare);
    for (let least = heads.shift(); least !== undefined; least = heads.shift()) {
      yield least.value;
      yield* advance(iterators, heads, least.from, compare);
    }
  } finally {
    for (const iterator of iterators) iterator.return?.();
  }
}

/** Puts the next value of one stream in its place among the heads. */
function* advance<V extends object>(
  iterators: readonly Iterator<Step<V>>[],
  heads: { value: V; from: number }[],
  from: number,
  compare: (a: V, b: V) => number,
): Generator<undefined> {
  for (let next = iterators[from]?.next(); next?.done === false; next = iterators[from]?.next()) {
    const { value } = next;
    if (value === undefined) {
      yield undefined;
      continue;
    }
    let [low, high] = [0, heads.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const head = heads[middle];
      const order = head === undefined ? 0 : compare(head.value, value) || head.from - from;
      if (order <= 0) low = middle + 1;
      else high = middle;
    }
    heads.splice(low, 0, { value, from });
    return;
  }
}

export function* concatenated<V>(streams: Iterable<Iterable<V>>): Generator<V> {
  for (const stream of streams) yield* stream;
}
