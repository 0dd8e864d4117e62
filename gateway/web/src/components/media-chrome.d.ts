import type { JSX } from "preact";

type MediaElement = JSX.HTMLAttributes & {
  [attribute: `media-${string}` | `aria-${string}`]: string | undefined;
  slot?: string;
  autohide?: string;
  hotkeys?: string;
  notooltip?: boolean;
  nosubtitleslangpref?: boolean;
  rates?: string;
  showduration?: boolean;
  defaultstreamtype?: string;
};

declare module "preact" {
  namespace JSX {
    interface IntrinsicElements {
      "media-controller": MediaElement;
      "media-control-bar": MediaElement;
      "media-fullscreen-button": MediaElement;
      "media-loading-indicator": MediaElement;
      "media-mute-button": MediaElement;
      "media-pip-button": MediaElement;
      "media-play-button": MediaElement;
      "media-playback-rate-button": MediaElement;
      "media-time-display": MediaElement;
      "media-time-range": MediaElement;
      "media-volume-range": MediaElement;
    }
  }
}
