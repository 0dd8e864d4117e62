import { useEffect, useRef, useState } from "preact/hooks";
import { formatDuration } from "../format.js";
import type { Frame } from "../frames.js";
import { useSeen } from "../hooks.js";
import type { Video } from "../model.js";
import { posterOf, readyPoster } from "../posters.js";
import { Mark } from "./logo.js";

const WIDE = 16 / 9;

/** A still in 16:9; what has another shape lies on its own blur. */
export function Still({ frame }: { readonly frame: Frame }) {
  const fits = Math.abs(frame.width / frame.height / WIDE - 1) < 0.04;
  return (
    <>
      {!fits && <img class="poster-blur" src={frame.url} alt="" decoding="async" />}
      <img class={fits ? "poster-image" : "poster-image poster-image-whole"} src={frame.url} alt="" decoding="async" />
    </>
  );
}

export function PosterPlaceholder() {
  return (
    <span class="poster-empty">
      <Mark size={36} />
    </span>
  );
}

/** The picture of a video with its length in the corner. */
export function Poster({ video }: { readonly video: Video }) {
  const box = useRef<HTMLDivElement>(null);
  const seen = useSeen(box);
  const [frame, setFrame] = useState(() => readyPoster(video));
  const failed = video.state === "FAILED";

  useEffect(() => {
    if (!seen || failed) return;
    let current = true;
    void posterOf(video).then((poster) => {
      if (current) setFrame(poster);
    });
    return () => {
      current = false;
    };
  }, [video.name, video.state, seen]);

  const durationMs = video.durationMs || (frame?.durationMs ?? 0);
  return (
    <div ref={box} class="poster">
      <PosterPlaceholder />
      {frame && <Still frame={frame} />}
      {durationMs > 0 && <span class="poster-duration">{formatDuration(durationMs)}</span>}
    </div>
  );
}
