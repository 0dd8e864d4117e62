import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api } from "../api.js";
import { showVideo } from "../library.js";
import type { Video } from "../model.js";
import { notify } from "../notices.js";
import { isMine } from "../people.js";
import { readyPoster } from "../posters.js";
import type { PlaybackState } from "../use-video.js";
import { words } from "../words.js";
import { Mark } from "./logo.js";
import type { PlayerProps } from "./player.js";

const said = words.pages;

interface StageMessageProps {
  readonly title: string;
  readonly text: string;
  readonly action?: { readonly label: string; readonly run: () => void };
}

function StageMessage({ title, text, action }: StageMessageProps) {
  return (
    <div class="stage-message">
      <Mark size={36} />
      <h2>{title}</h2>
      <p>{text}</p>
      {action && (
        <button type="button" class="button" onClick={action.run}>
          {action.label}
        </button>
      )}
    </div>
  );
}

/** The player, once its code is here. */
function usePlayer(wanted: boolean): FunctionComponent<PlayerProps> | undefined {
  const [player, setPlayer] = useState<FunctionComponent<PlayerProps>>();
  useEffect(() => {
    if (!wanted) return;
    let current = true;
    void import("./player.js").then(({ Player }) => {
      if (current) setPlayer(() => Player);
    });
    return () => {
      current = false;
    };
  }, [wanted]);
  return player;
}

async function retry(video: Video): Promise<void> {
  try {
    showVideo(await api.retryVideo(video.name));
  } catch {
    notify(words.pages.error.text);
  }
}

interface StageProps {
  readonly video: Video;
  readonly playback: PlaybackState;
  readonly startSeconds: number;
  readonly onReload: () => void;
  readonly onTime: (seconds: number) => void;
}

/** What is said in place of a picture; undefined while there may be one. */
function messageFor({ video, playback, onReload }: StageProps, broken: boolean): StageMessageProps | undefined {
  const again = { label: said.retry, run: onReload };
  if (video.state === "FAILED") {
    if (!isMine(video)) return { title: said.failed.title, text: said.failed.visitor };
    const text = video.failureReason || said.failed.text;
    return { title: said.failed.title, text, action: { label: said.retry, run: () => void retry(video) } };
  }
  if (broken) return said.broken;
  if (playback.kind !== "failed") return undefined;
  if (video.state === "UPLOADING") return said.uploading;
  const { problem } = playback;
  if (problem.reason === "NOT_PLAYABLE") {
    const why = problem.detail || said.notPlayable.text;
    return { title: said.notPlayable.title, text: isMine(video) ? `${why} ${said.notPlayable.owner}` : why };
  }
  return { ...(problem.reason === "UNREACHABLE" ? said.offline : said.error), action: again };
}

/** Where the picture is, or what is to be said in its place. */
export function Stage(props: StageProps) {
  const { video, playback, startSeconds, onReload, onTime } = props;
  const poster = readyPoster(video);
  const [size, setSize] = useState({
    width: video.width || (poster?.width ?? 1280),
    height: video.height || (poster?.height ?? 720),
  });
  const [broken, setBroken] = useState({ times: 0, atSeconds: startSeconds });
  const message = messageFor(props, broken.times > 1);
  const Player = usePlayer(message === undefined);

  const onBroken = (atSeconds: number) => {
    setBroken({ times: broken.times + 1, atSeconds: Math.max(atSeconds, broken.atSeconds) });
    // Perhaps the grant has ended: once, a new one is tried.
    if (broken.times === 0) onReload();
  };

  const shape = { "--ratio": String(size.width / size.height), "--own-width": `${String(size.width)}px` };
  return (
    <div class="stage" style={shape}>
      {poster && !message && <img class="stage-blur" src={poster.url} alt="" />}
      {message && <StageMessage {...message} />}
      {!message && Player && playback.kind === "ready" && (
        <Player
          key={broken.times}
          source={playback.path}
          poster={poster?.url}
          startSeconds={broken.atSeconds}
          onTime={onTime}
          onSize={(width, height) => {
            if (width > 0 && height > 0) setSize({ width, height });
          }}
          onBroken={onBroken}
        />
      )}
      {!message && !(Player && playback.kind === "ready") && (
        <div class="player">{poster && <img class="player-poster" src={poster.url} alt="" />}</div>
      )}
    </div>
  );
}
