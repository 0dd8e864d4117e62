import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What a clip shows: ffmpeg's test picture and a tone. */
export interface ClipOptions {
  readonly seconds: number;
  readonly size?: string;
  /** Kilobits a second; makes a file large where a test needs it so. */
  readonly kbps?: number;
}

/** Makes an H.264 + AAC clip that starts at once (moov in front). */
export async function makeClip(file: string, { seconds, size = "320x180", kbps }: ClipOptions): Promise<void> {
  const rate =
    kbps === undefined
      ? []
      : ["-b:v", `${kbps}k`, "-minrate", `${kbps}k`, "-maxrate", `${kbps}k`, "-bufsize", `${kbps}k`];
  const codec = [
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-pix_fmt",
    "yuv420p",
    "-g",
    "25",
    ...rate,
    "-c:a",
    "aac",
    "-b:a",
    "64k",
  ];
  const picture = ["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=25:duration=${seconds}`];
  const tone = ["-f", "lavfi", "-i", `sine=frequency=440:duration=${seconds}`];
  const args = ["-nostdin", "-y", "-v", "error", ...picture, ...tone, ...codec, "-movflags", "+faststart", file];
  await run(await ffmpeg(), args);
}

/** The system's ffmpeg where there is one, else the one from npm. */
async function ffmpeg(): Promise<string> {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const candidate = join(folder, "ffmpeg");
    if (
      await access(candidate).then(
        () => true,
        () => false,
      )
    )
      return candidate;
  }
  const { path } = await import("@ffmpeg-installer/ffmpeg");
  return path;
}
