import type { HTMLAttributes } from "preact";

type MediaElement = HTMLAttributes & {
  [attribute: `media-${string}` | `aria-${string}`]: string | undefined;
  slot?: string;
  autohide?: string;
  notooltip?: boolean;
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
      "media-time-range": MediaElement;
      "media-volume-range": MediaElement;
    }
  }
}
