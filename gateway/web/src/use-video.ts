import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { api } from "./api.js";
import { followEvents } from "./events.js";
import { library, showVideo } from "./library.js";
import { useStore } from "./hooks.js";
import type { Playback, Video } from "./model.js";
import { toProblem, type Problem } from "./problem.js";

export type PlaybackState =
  | { readonly kind: "loading" }
  | ({ readonly kind: "ready" } & Playback)
  | { readonly kind: "failed"; readonly problem: Problem };

export interface VideoOnPage {
  readonly video: Video | undefined;
  readonly playback: PlaybackState;
  /** Why there is no video. */
  readonly problem: Problem | undefined;
  /** Asks the server again. */
  readonly reload: () => void;
}

const POLL_MS = 5_000;

async function fetchPlayback(name: string): Promise<PlaybackState> {
  try {
    return { kind: "ready", ...(await api.getPlayback(name)) };
  } catch (error) {
    return { kind: "failed", problem: toProblem(error) };
  }
}

/** A video with what can be played of it; as the library knows it until the server has answered. */
export function useVideo(name: string): VideoOnPage {
  const listed = useStore(library).page.videos.find((video) => video.name === name);
  const [own, setOwn] = useState<Video>();
  const [playback, setPlayback] = useState<PlaybackState>({ kind: "loading" });
  const [problem, setProblem] = useState<Problem>();
  const [attempt, setAttempt] = useState(0);
  const ask = useCallback(() => {
    setAttempt((count) => count + 1);
  }, []);
  const reload = useCallback(() => {
    setPlayback({ kind: "loading" });
    ask();
  }, [ask]);

  useEffect(() => {
    let current = true;
    void Promise.allSettled([api.getVideo(name), fetchPlayback(name)]).then(([video, media]) => {
      if (!current) return;
      setProblem(video.status === "rejected" ? toProblem(video.reason) : undefined);
      if (video.status === "fulfilled") {
        setOwn(video.value);
        showVideo(video.value);
      }
      if (media.status === "fulfilled") setPlayback(media.value);
    });
    return () => {
      current = false;
    };
  }, [name, attempt]);

  const video = listed ?? own;
  const state = useRef(video?.state);
  state.current = video?.state;
  useEffect(() => {
    const events = followEvents([name], {
      onVideo: (now) => {
        const isNew = state.current !== undefined && state.current !== now.state;
        setOwn(now);
        showVideo(now);
        // What can be played of it may have changed too.
        if (isNew) ask();
      },
      onGone: ask,
    });
    return events.stop;
  }, [name, ask]);

  const waiting = video?.state === "UPLOADING" && playback.kind !== "ready";
  useEffect(() => {
    if (!waiting) return;
    const timer = setInterval(ask, POLL_MS);
    return () => {
      clearInterval(timer);
    };
  }, [waiting, ask]);

  return { video, playback, problem, reload };
}
