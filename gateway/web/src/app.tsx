import { Component, type ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { DropTarget } from "./components/drop-target.js";
import { Header } from "./components/header.js";
import { Notices } from "./components/notices.js";
import { UploadSummary } from "./components/upload-list.js";
import { useOnline, useStore } from "./hooks.js";
import { place } from "./navigation.js";
import { LibraryPage } from "./pages/library.js";
import { Message, MissingPage } from "./pages/message.js";
import { WatchPage } from "./pages/watch.js";
import { preferences } from "./preferences.js";
import { parseRoute, type Route } from "./router.js";
import { words } from "./words.js";

interface BoundaryState {
  readonly broken: boolean;
}

/** Keeps one page's fault from blanking the application. */
class Boundary extends Component<{ children: ComponentChildren }, BoundaryState> {
  override state: BoundaryState = { broken: false };

  static override getDerivedStateFromError(): BoundaryState {
    return { broken: true };
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <Message {...words.pages.crash}>
        <button
          type="button"
          class="button button-primary"
          onClick={() => {
            location.reload();
          }}
        >
          {words.pages.reload}
        </button>
      </Message>
    );
  }
}

function Page({ route }: { readonly route: Route }) {
  switch (route.page) {
    case "library":
      return <LibraryPage />;
    case "watch":
      return <WatchPage key={route.id} id={route.id} startSeconds={route.startSeconds} />;
    case "missing":
      return <MissingPage />;
  }
}

const pageKey = (route: Route) => (route.page === "watch" ? route.id : route.page);

export function App() {
  const { url, scrollY } = useStore(place);
  const theme = useStore(preferences.theme);
  const online = useOnline();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const route = useMemo(() => parseRoute(url), [url]);
  const dark = route.page === "watch";

  useLayoutEffect(() => {
    document.documentElement.dataset.theme = dark ? "dark" : theme;
  }, [theme, dark]);

  useLayoutEffect(() => {
    window.scrollTo(0, scrollY);
  }, [url, scrollY]);

  useEffect(() => {
    // A new page is announced by moving the focus to it; the first one is announced by the browser.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
  }, [pageKey(route)]);

  return (
    <>
      <Header dark={dark} />
      {!online && (
        <p class="offline" role="status">
          {words.offline}
        </p>
      )}
      <main ref={main} id="main" tabIndex={-1} data-page={route.page}>
        <Boundary key={pageKey(route)}>
          <Page route={route} />
        </Boundary>
      </main>
      {route.page !== "library" && <UploadSummary />}
      <Notices />
      <DropTarget />
    </>
  );
}
