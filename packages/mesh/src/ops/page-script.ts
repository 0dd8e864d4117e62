/** What /mesh runs in the browser: it fetches the page's live part and replaces what has changed. */
export const SCRIPT = `"use strict";
const parts = ["summary", "graph", "calls-table", "methods-table", "backends-table", "modules-table"];

async function refresh() {
  const offline = document.getElementById("offline");
  try {
    const response = await fetch("/mesh/live", { signal: AbortSignal.timeout(5000) });
    if (!response.ok) throw new Error(response.statusText);
    const next = new DOMParser().parseFromString(await response.text(), "text/html");
    // What someone is selecting stays put.
    if (getSelection().isCollapsed) parts.forEach((id) => replace(id, next.getElementById(id)));
    offline.hidden = true;
  } catch {
    offline.hidden = false;
  }
  setTimeout(refresh, document.hidden ? 10000 : 1000);
}

function replace(id, next) {
  const now = document.getElementById(id);
  if (next && now.innerHTML !== next.innerHTML) now.replaceWith(document.importNode(next, true));
}

setTimeout(refresh, 1000);
`;
