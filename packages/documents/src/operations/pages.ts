import type { StoredDocument } from "../collection.js";
import type { KeptCollection } from "../data.js";

const PAGE = 200;

/** All documents of a collection as they are stored, in the order of their ids, a page at a time. */
export async function* pagesOf(
  { stored }: Pick<KeptCollection, "stored">,
  { signal, after = "" }: { readonly signal: AbortSignal; readonly after?: string },
): AsyncGenerator<readonly StoredDocument[]> {
  let last = after;
  for (;;) {
    signal.throwIfAborted();
    const page = await stored.find(last === "" ? {} : { _id: { $gt: last } }, { sort: { _id: 1 }, limit: PAGE });
    if (page.length > 0) yield page;
    if (page.length < PAGE) return;
    last = page.at(-1)?._id ?? last;
  }
}
