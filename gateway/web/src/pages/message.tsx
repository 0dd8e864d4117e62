import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Link } from "../components/link.js";
import { Mark } from "../components/logo.js";
import { useTitle } from "../hooks.js";
import type { Problem } from "../problem.js";
import { words } from "../words.js";

interface MessageProps {
  readonly title: string;
  readonly text: string;
  /** The next steps. */
  readonly children: ComponentChildren;
}

/** A page that says one thing, and what to do about it. */
export function Message({ title, text, children }: MessageProps) {
  useTitle(title);
  return (
    <div class="message">
      <Mark size={40} />
      <h1 tabIndex={-1}>{title}</h1>
      <p>{text}</p>
      <div class="message-actions">{children}</div>
    </div>
  );
}

export function HomeLink({ primary = false }: { readonly primary?: boolean }) {
  return (
    <Link class={primary ? "button button-primary" : "button"} href="/">
      {words.pages.home}
    </Link>
  );
}

export function MissingPage() {
  return (
    <Message {...words.pages.missing}>
      <HomeLink primary />
    </Message>
  );
}

const RETRY_MS = 5_000;

interface ProblemPageProps {
  readonly problem: Problem;
  readonly onRetry: () => void;
}

function wordsFor(problem: Problem): { readonly title: string; readonly text: string } {
  if (problem.reason === "UNREACHABLE") return words.pages.offline;
  if (problem.status === 404 || problem.reason === "INVALID_FIELD") return words.pages.missingVideo;
  if (problem.status === 401 || problem.status === 403) return words.pages.denied;
  return words.pages.error;
}

/** Why a page could not be shown; tries again by itself where that can help. */
export function ProblemPage({ problem, onRetry }: ProblemPageProps) {
  const helps = problem.status === 0 || problem.status >= 500 || problem.status === 429;

  const [trying, setTrying] = useState(false);

  useEffect(() => {
    setTrying(false);
  }, [problem]);

  useEffect(() => {
    if (!helps) return;
    const timer = setInterval(onRetry, RETRY_MS);
    window.addEventListener("online", onRetry);
    return () => {
      clearInterval(timer);
      window.removeEventListener("online", onRetry);
    };
  }, [onRetry, helps]);

  return (
    <Message {...wordsFor(problem)}>
      {helps && (
        <button
          type="button"
          class="button button-primary"
          disabled={trying}
          onClick={() => {
            setTrying(true);
            onRetry();
          }}
        >
          {trying ? words.pages.trying : words.pages.retry}
        </button>
      )}
      <HomeLink primary={!helps} />
    </Message>
  );
}
