import "media-chrome/media-control-bar";
import "media-chrome/media-controller";
import "media-chrome/media-fullscreen-button";
import "media-chrome/media-loading-indicator";
import "media-chrome/media-mute-button";
import "media-chrome/media-pip-button";
import "media-chrome/media-play-button";
import "media-chrome/media-time-range";
import "media-chrome/media-volume-range";
import { useEffect, useRef, useState } from "preact/hooks";
import { formatDuration } from "../format.js";
import { place } from "../navigation.js";
import { forwardKey, seekByKey } from "../player-keys.js";
import { words } from "../words.js";

export interface PlayerProps {
  readonly source: string;
  readonly poster: string | undefined;
  /** Where to begin; also after `source` changed, should that be needed in the middle. */
  readonly startSeconds: number;
  readonly onTime: (seconds: number) => void;
  readonly onSize: (width: number, height: number) => void;
  /** Called with where playback stood. */
  readonly onBroken: (seconds: number) => void;
}

const RATES = [1, 1.25, 1.5, 2, 0.5, 0.75] as const;

/** The next of the usual speeds, round and round. */
function nextRate(rate: number): number {
  return RATES[(RATES.findIndex((known) => known === rate) + 1) % RATES.length] ?? 1;
}

function clockOf({ currentTime, duration }: HTMLVideoElement): { readonly now: number; readonly all: number } {
  return { now: currentTime, all: Number.isFinite(duration) ? duration : 0 };
}

/** The picture and its controls. Loaded apart, since only one page needs it. */
export function Player({ source, poster, startSeconds, onTime, onSize, onBroken }: PlayerProps) {
  const controller = useRef<HTMLElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const [clock, setClock] = useState({ now: startSeconds, all: 0 });
  const [rate, setRate] = useState(1);

  useEffect(() => {
    const element = video.current;
    if (!element) return;
    if (startSeconds > 0) element.currentTime = startSeconds;
    // Whoever came by a click expects it to play; a page that was opened by its address stays quiet.
    if (place.get().chosen) element.play().catch(() => undefined);
  }, [source]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const [element, host] = [video.current, controller.current];
      if (element && host && !seekByKey(event, element)) forwardKey(event, host);
    };
    document.addEventListener("keydown", onKey);
    return () => {
      document.removeEventListener("keydown", onKey);
    };
  }, []);

  return (
    <media-controller
      ref={controller}
      class="player"
      aria-label={words.watch.player}
      autohide="2"
      defaultstreamtype="on-demand"
    >
      <video
        ref={video}
        slot="media"
        src={source}
        poster={poster}
        playsInline
        preload="auto"
        onTimeUpdate={({ currentTarget }) => {
          setClock(clockOf(currentTarget));
          onTime(currentTarget.currentTime);
        }}
        onDurationChange={({ currentTarget }) => {
          setClock(clockOf(currentTarget));
        }}
        onRateChange={({ currentTarget }) => {
          setRate(currentTarget.playbackRate);
        }}
        onLoadedMetadata={({ currentTarget }) => {
          onSize(currentTarget.videoWidth, currentTarget.videoHeight);
        }}
        onError={({ currentTarget }) => {
          onBroken(currentTarget.currentTime);
        }}
      />
      <media-loading-indicator slot="centered-chrome" />
      <media-play-button slot="centered-chrome" class="player-begin" notooltip />
      <div class="player-controls">
        <media-time-range />
        <media-control-bar>
          <media-play-button />
          <div class="player-volume">
            <media-mute-button />
            <media-volume-range />
          </div>
          <span class="player-time">
            {words.watch.time(formatDuration(Math.floor(clock.now) * 1000), formatDuration(clock.all * 1000))}
          </span>
          <span class="player-gap" />
          <button
            type="button"
            class="player-speed"
            aria-label={words.watch.speedLabel(rate)}
            onClick={() => {
              if (video.current) video.current.playbackRate = nextRate(rate);
            }}
          >
            {words.watch.speed(rate)}
          </button>
          <media-pip-button />
          <media-fullscreen-button />
        </media-control-bar>
      </div>
    </media-controller>
  );
}
