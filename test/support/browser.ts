import { access } from "node:fs/promises";
import { chromium, type Browser } from "playwright-core";

const SYSTEM = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
];
const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
];

/** Starts a real Chromium: the system's where there is one, else the one from npm, which plays H.264 and AAC too. */
export async function launchBrowser(): Promise<Browser> {
  const chosen = process.env.TEST_CHROMIUM ?? (await firstThere(SYSTEM));
  if (chosen !== undefined && chosen !== "npm") return chromium.launch({ executablePath: chosen, args: QUIET });
  // It unpacks the libraries it needs on a bare Linux only where it believes itself in a function of this kind.
  process.env.AWS_EXECUTION_ENV ??= "AWS_Lambda_nodejs22.x";
  process.env.AWS_LAMBDA_JS_RUNTIME ??= "nodejs22.x";
  const { default: packed } = await import("@sparticuz/chromium");
  // With these two, closing one context would end the whole browser.
  const args = packed.args.filter((arg) => arg !== "--single-process" && arg !== "--no-zygote");
  return chromium.launch({ executablePath: await packed.executablePath(), args: [...args, ...QUIET] });
}

async function firstThere(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) {
    if (
      await access(file).then(
        () => true,
        () => false,
      )
    )
      return file;
  }
  return undefined;
}
