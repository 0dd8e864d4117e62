/** A still of a video. */
export interface Frame {
  /** An object URL of a JPEG. */
  readonly url: string;
  /** Of the video as shown. */
  readonly width: number;
  readonly height: number;
  readonly durationMs: number;
}

const PATIENCE_MS = 12_000;
const LONGEST_SIDE = 720;
/** Where to look, as parts of the whole: the beginning is often black. */
const PLACES = [0.12, 0.4] as const;
const DARK = 18;

function once(target: EventTarget, type: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () => {
      reject(new Error(`no ${type}`));
    };
    target.addEventListener(
      type,
      () => {
        resolve();
      },
      { once: true, signal },
    );
    target.addEventListener("error", fail, { once: true, signal });
    signal.addEventListener("abort", fail, { once: true });
  });
}

/** The mean brightness of a picture, 0 to 255. */
function brightness(context: CanvasRenderingContext2D, width: number, height: number): number {
  const { data } = context.getImageData(0, 0, width, height);
  let sum = 0;
  let count = 0;
  for (let at = 0; at < data.length; at += 4 * 97) {
    sum += ((data[at] ?? 0) + (data[at + 1] ?? 0) + (data[at + 2] ?? 0)) / 3;
    count += 1;
  }
  return sum / Math.max(count, 1);
}

async function draw(video: HTMLVideoElement, signal: AbortSignal): Promise<Blob | null> {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(video.videoWidth * scale));
  canvas.height = Math.max(1, Math.round(video.videoHeight * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return null;
  for (const place of PLACES) {
    const sought = once(video, "seeked", signal);
    video.currentTime = Math.min(Number.isFinite(video.duration) ? video.duration * place : 0, 60);
    await sought;
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    if (brightness(context, canvas.width, canvas.height) > DARK) break;
  }
  return new Promise((resolve) => {
    canvas.toBlob(resolve, "image/jpeg", 0.82);
  });
}

/**
 * Takes a still from a video that this browser can play.
 *
 * @param source - a URL of this origin, or an object URL
 * @returns undefined when it cannot be played, has no picture, or takes longer than 12 s
 */
export async function grabFrame(source: string): Promise<Frame | undefined> {
  const video = document.createElement("video");
  const stop = new AbortController();
  const timer = setTimeout(() => {
    stop.abort();
  }, PATIENCE_MS);
  try {
    video.muted = true;
    video.playsInline = true;
    video.preload = "auto";
    const loaded = once(video, "loadeddata", stop.signal);
    video.src = source;
    await loaded;
    const blob = video.videoWidth > 0 ? await draw(video, stop.signal) : null;
    const { videoWidth: width, videoHeight: height, duration } = video;
    const durationMs = Number.isFinite(duration) ? duration * 1000 : 0;
    return blob ? { url: URL.createObjectURL(blob), width, height, durationMs } : undefined;
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
    stop.abort();
    // Gives the connection back.
    video.removeAttribute("src");
    video.load();
  }
}
