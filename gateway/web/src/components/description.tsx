import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { words } from "../words.js";

/** A description, folded to a few lines when it is longer. */
export function Description({ text }: { readonly text: string }) {
  const box = useRef<HTMLParagraphElement>(null);
  const [long, setLong] = useState(false);
  const [open, setOpen] = useState(false);

  useLayoutEffect(() => {
    const element = box.current;
    if (element && !open) setLong(element.scrollHeight > element.clientHeight + 1);
  }, [text, open]);

  return (
    <section class="description" aria-label={words.watch.details}>
      <p ref={box} class={open ? "description-text" : "description-text description-folded"}>
        {text}
      </p>
      {(long || open) && (
        <button
          type="button"
          class="link"
          aria-expanded={open}
          onClick={() => {
            setOpen(!open);
          }}
        >
          {open ? words.watch.less : words.watch.more}
        </button>
      )}
    </section>
  );
}
