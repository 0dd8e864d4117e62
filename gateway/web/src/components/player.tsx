import "media-chrome/media-control-bar";
import "media-chrome/media-controller";
import "media-chrome/media-fullscreen-button";
import "media-chrome/media-loading-indicator";
import "media-chrome/media-mute-button";
import "media-chrome/media-pip-button";
import "media-chrome/media-play-button";
import "media-chrome/media-playback-rate-button";
import "media-chrome/media-time-display";
import "media-chrome/media-time-range";
import "media-chrome/media-volume-range";
import { useEffect, useRef } from "preact/hooks";
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

/** The picture and its controls. Loaded apart, since only one page needs it. */
export function Player({ source, poster, startSeconds, onTime, onSize, onBroken }: PlayerProps) {
  const controller = useRef<HTMLElement>(null);
  const video = useRef<HTMLVideoElement>(null);

  useEffect(() => {
    const element = video.current;
    if (!element) return;
    if (startSeconds > 0) element.currentTime = startSeconds;
    // Whoever came by a click expects it to play; a page that was opened by its address stays quiet.
    if (navigator.userActivation.hasBeenActive) element.play().catch(() => undefined);
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
          onTime(currentTarget.currentTime);
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
          <media-time-display showduration />
          <span class="player-gap" />
          <media-playback-rate-button rates="0.5 0.75 1 1.25 1.5 2" />
          <media-pip-button />
          <media-fullscreen-button />
        </media-control-bar>
      </div>
    </media-controller>
  );
}
