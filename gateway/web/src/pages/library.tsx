import { useEffect, useRef } from "preact/hooks";
import { FileButton } from "../components/file-button.js";
import { Mark } from "../components/logo.js";
import { UploadList } from "../components/upload-list.js";
import { CardSkeleton, VideoCard } from "../components/video-card.js";
import { useNear, useStore, useTitle } from "../hooks.js";
import { followLibrary, library, loadMore, refreshLibrary } from "../library.js";
import { isShown } from "../library-state.js";
import type { Video } from "../model.js";
import { uploads } from "../upload-store.js";
import { addFiles } from "../uploads.js";
import { words } from "../words.js";
import { ProblemPage } from "./message.js";

const said = words.library;
const retry = () => void refreshLibrary();

function Empty() {
  return (
    <section class="empty">
      <div class="empty-frames" aria-hidden="true">
        <span />
        <span />
        <span>
          <Mark size={44} />
        </span>
      </div>
      <h1 tabIndex={-1}>{said.empty.title}</h1>
      <p>{said.empty.text}</p>
      <FileButton class="button button-primary button-large" multiple onFiles={addFiles}>
        {said.empty.choose}
      </FileButton>
      <p class="hint">{said.empty.hint}</p>
    </section>
  );
}

function Skeletons() {
  return (
    <ul class="grid" role="list" aria-label={said.loading} aria-busy="true">
      {Array.from({ length: 8 }, (_, index) => (
        <CardSkeleton key={index} />
      ))}
    </ul>
  );
}

function More({ loading }: { readonly loading: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const more = () => void loadMore();
  useNear(box, more);
  return (
    <div ref={box} class="more">
      <button type="button" class="button" disabled={loading} onClick={more}>
        {loading ? said.loadingMore : said.more}
      </button>
    </div>
  );
}

function Grid({
  videos,
  more,
  loading,
}: {
  readonly videos: readonly Video[];
  readonly more: boolean;
  readonly loading: boolean;
}) {
  return (
    <section>
      <header class="page-head">
        <h1 tabIndex={-1}>{said.title}</h1>
        <span class="page-count">{said.count(videos.length, more)}</span>
      </header>
      <ul class="grid" role="list">
        {videos.map((video) => (
          <VideoCard key={video.name} video={video} level={2} />
        ))}
      </ul>
      {more && <More key={videos.length} loading={loading} />}
    </section>
  );
}

export function LibraryPage() {
  const { page, loaded, loadingMore, problem } = useStore(library);
  const uploading = useStore(uploads).length > 0;
  useTitle("");
  useEffect(followLibrary, []);

  if (!loaded && problem) return <ProblemPage problem={problem} onRetry={retry} />;
  const videos = page.videos.filter(isShown);
  const more = page.nextPageToken !== "";
  return (
    <div class="library">
      <UploadList level={videos.length > 0 || more ? 2 : 1} />
      {!loaded && <Skeletons />}
      {loaded && videos.length === 0 && !more && !uploading && <Empty />}
      {(videos.length > 0 || more) && <Grid videos={videos} more={more} loading={loadingMore} />}
    </div>
  );
}
