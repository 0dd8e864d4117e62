import { Download, Pencil, Share2, Trash2 } from "lucide-preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Age } from "../components/age.js";
import { Description } from "../components/description.js";
import { Stage } from "../components/stage.js";
import { VideoCard } from "../components/video-card.js";
import { VideoDialogs } from "../components/video-actions.js";
import { VisibilityBadge } from "../components/visibility.js";
import { useStore, useTitle } from "../hooks.js";
import { deleteVideo, library, refreshLibrary } from "../library.js";
import { isShown } from "../library-state.js";
import { downloadName } from "../media-types.js";
import type { Video } from "../model.js";
import { navigate } from "../navigation.js";
import { isMine, ownerName } from "../people.js";
import { useVideo, type PlaybackState } from "../use-video.js";
import { words } from "../words.js";
import { ProblemPage } from "./message.js";

const said = words.watch;
const NEXT = 4;

function Skeleton() {
  useTitle("");
  return (
    <div class="watch" aria-busy="true" aria-label={said.loading}>
      <div class="stage" />
      <div class="watch-about">
        <div class="skeleton skeleton-title" />
        <div class="skeleton skeleton-line skeleton-line-short" />
      </div>
    </div>
  );
}

function Actions({
  video,
  playback,
  seconds,
}: {
  readonly video: Video;
  readonly playback: PlaybackState;
  readonly seconds: () => number;
}) {
  const [open, setOpen] = useState<"share" | "edit" | "none">("none");
  const mine = isMine(video);
  return (
    <div class="watch-actions">
      <button
        type="button"
        class="button"
        onClick={() => {
          setOpen("share");
        }}
      >
        <Share2 aria-hidden="true" size={16} />
        {said.share}
      </button>
      {playback.kind === "ready" && (
        <a class="button" href={playback.path} download={downloadName(video.title, playback.contentType)}>
          <Download aria-hidden="true" size={16} />
          {said.download}
        </a>
      )}
      {mine && (
        <button
          type="button"
          class="button"
          onClick={() => {
            setOpen("edit");
          }}
        >
          <Pencil aria-hidden="true" size={16} />
          {said.edit}
        </button>
      )}
      {mine && (
        <button
          type="button"
          class="button"
          onClick={() => {
            navigate("/");
            void deleteVideo(video);
          }}
        >
          <Trash2 aria-hidden="true" size={16} />
          {said.delete}
        </button>
      )}
      <VideoDialogs video={video} open={open} seconds={seconds()} onOpen={setOpen} />
    </div>
  );
}

function Next({ name }: { readonly name: string }) {
  const { page, loaded } = useStore(library);
  useEffect(() => {
    if (!loaded) void refreshLibrary();
  }, [loaded]);
  const others = page.videos.filter((video) => video.name !== name && isShown(video)).slice(0, NEXT);
  if (others.length === 0) return null;
  return (
    <section class="next">
      <h2>{said.next}</h2>
      <ul class="grid" role="list">
        {others.map((video) => (
          <VideoCard key={video.name} video={video} level={3} />
        ))}
      </ul>
    </section>
  );
}

interface WatchProps {
  readonly id: string;
  readonly startSeconds: number;
}

export function WatchPage({ id, startSeconds }: WatchProps) {
  const { video, playback, problem, reload } = useVideo(`videos/${id}`);
  const seconds = useRef(0);
  useTitle(video?.title ?? "");

  if (problem) return <ProblemPage problem={problem} onRetry={reload} />;
  if (!video) return <Skeleton />;
  return (
    <article class="watch">
      <Stage
        video={video}
        playback={playback}
        startSeconds={startSeconds}
        onReload={reload}
        onTime={(now) => {
          seconds.current = now;
        }}
      />
      <div class="watch-about">
        <h1 tabIndex={-1}>{video.title}</h1>
        <div class="watch-row">
          <p class="watch-meta">
            <span>{ownerName(video)}</span>
            <Age time={video.createTime} />
            {isMine(video) && <VisibilityBadge value={video.visibility} />}
          </p>
          <Actions video={video} playback={playback} seconds={() => seconds.current} />
        </div>
        {video.description !== "" && <Description text={video.description} />}
      </div>
      <Next name={video.name} />
    </article>
  );
}
