import { X } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import { useStore } from "../hooks.js";
import { act, announcement, expire, notices, type Notice } from "../notices.js";
import { words } from "../words.js";

const SHORT_MS = 4_000;
/** Long enough to reach the button by keyboard. */
const LONG_MS = 10_000;

function NoticeRow({ notice }: { readonly notice: Notice }) {
  const [held, setHeld] = useState(false);

  useEffect(() => {
    if (held) return;
    const timer = setTimeout(
      () => {
        expire(notice);
      },
      notice.action ? LONG_MS : SHORT_MS,
    );
    return () => {
      clearTimeout(timer);
    };
  }, [notice, held]);

  const hold = () => {
    setHeld(true);
  };
  const release = () => {
    setHeld(false);
  };
  return (
    <li class="notice" onMouseEnter={hold} onMouseLeave={release} onFocusIn={hold} onFocusOut={release}>
      <span class="notice-text">{notice.text}</span>
      {notice.action && (
        <button
          type="button"
          class="notice-action"
          onClick={() => {
            act(notice);
          }}
        >
          {notice.action.label}
        </button>
      )}
      <button
        type="button"
        class="notice-close"
        aria-label={words.notice.dismiss}
        onClick={() => {
          expire(notice);
        }}
      >
        <X aria-hidden="true" size={16} />
      </button>
    </li>
  );
}

/** What just happened, at the bottom of the window; and what only screen readers are told. */
export function Notices() {
  const current = useStore(notices);
  const spoken = useStore(announcement);
  return (
    <>
      <section class="notices" aria-label={words.notice.region}>
        <ul role="list" aria-live="polite" aria-relevant="additions">
          {current.map((notice) => (
            <NoticeRow key={notice.key} notice={notice} />
          ))}
        </ul>
      </section>
      <p class="unseen" role="status">
        {spoken}
      </p>
    </>
  );
}
