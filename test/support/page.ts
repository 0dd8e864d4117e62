import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const AXE = createRequire(__filename).resolve("axe-core/axe.min.js");

/** Drops a file on the page as a hand would. */
export async function dropFile(page: Page, bytes: Buffer, name: string, type: string): Promise<void> {
  const transfer = await page.evaluateHandle(
    ([base64, fileName, fileType]) => {
      const decoded = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([decoded], fileName, { type: fileType }));
      return data;
    },
    [bytes.toString("base64"), name, type] as const,
  );
  for (const event of ["dragenter", "dragover", "drop"]) {
    await page.dispatchEvent("body", event, { dataTransfer: transfer });
  }
}

/** What axe calls serious or critical on the page, in words. */
export async function seriousFaults(page: Page): Promise<string[]> {
  // By the debugger's way in: the page's own policy allows no foreign script.
  await page.evaluate(await readFile(AXE, "utf8"));
  const found = await page.evaluate<readonly { id: string; impact: string; nodes: { html: string }[] }[]>(
    "axe.run().then(({ violations }) => violations)",
  );
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

/** Everything that went wrong in the page from now on: what it asked for and did not get, and what it threw. */
export function watchForFailures(page: Page): () => readonly string[] {
  const failures: string[] = [];
  page.on("pageerror", (error) => failures.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") failures.push(message.text());
  });
  page.on("response", (response) => {
    if (response.status() >= 400) failures.push(`${response.status()} ${response.url()}`);
  });
  page.on("requestfailed", (request) => {
    // A player lets go of a range it no longer needs, and a page of what it has left.
    if (request.failure()?.errorText !== "net::ERR_ABORTED")
      failures.push(`${request.failure()?.errorText ?? ""} ${request.url()}`);
  });
  return () => failures;
}

/** Limits how fast the page sends, in bytes a second; the returned function changes it, undefined lifts it. */
export async function slowUploads(
  page: Page,
  bytesPerSecond: number,
): Promise<(limit: number | undefined) => Promise<void>> {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  const limit = async (uploadThroughput: number | undefined) => {
    const conditions = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: uploadThroughput ?? -1 };
    await session.send("Network.emulateNetworkConditions", conditions);
  };
  await limit(bytesPerSecond);
  return limit;
}
