import { useStore } from "../hooks.js";
import { percentOf } from "../upload-progress.js";
import { isActive } from "../upload-state.js";
import { uploads } from "../upload-store.js";
import { dismissUpload } from "../uploads.js";
import { words } from "../words.js";
import { Link } from "./link.js";
import { UploadRow } from "./upload-row.js";

/**
 * Every upload, on the library's page.
 *
 * @param level - of its heading: 1 when there is nothing else on the page
 */
export function UploadList({ level }: { readonly level: 1 | 2 }) {
  const Heading = level === 1 ? "h1" : "h2";
  const items = useStore(uploads);
  if (items.length === 0) return null;
  const finished = items.filter(({ phase }) => phase === "done");
  return (
    <section class="uploads" aria-label={words.upload.region}>
      <header class="uploads-head">
        <Heading>{words.upload.region}</Heading>
        {finished.length > 1 && (
          <button
            type="button"
            class="link"
            onClick={() => {
              for (const { key } of finished) dismissUpload(key);
            }}
          >
            {words.upload.clear}
          </button>
        )}
      </header>
      <ul role="list">
        {items.map((item) => (
          <UploadRow key={item.key} item={item} />
        ))}
      </ul>
    </section>
  );
}

/** What is on its way, in a line, on every other page. */
export function UploadSummary() {
  const active = useStore(uploads).filter(isActive);
  if (active.length === 0) return null;
  const sum = (bytes: (item: (typeof active)[number]) => number) =>
    active.reduce((total, item) => total + bytes(item), 0);
  const percent = percentOf({ ackedBytes: sum((item) => item.ackedBytes), sizeBytes: sum((item) => item.sizeBytes) });
  return (
    <Link class="upload-summary" href="/">
      <span class="bar" aria-hidden="true">
        <span class="bar-acked" style={{ width: `${String(percent)}%` }} />
      </span>
      {words.upload.summary(active.length, percent)}
    </Link>
  );
}
