import { expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createMetrics } from "../../mesh/src/observe/metrics.js";
import { EVENT_TYPES } from "../src/bus.js";
import { createEventMetrics } from "../src/metrics.js";

const DOCUMENT = join(__dirname, "../../../docs/events.md");

test("docs/events.md tells of every type of event and every metric, and of no others", async () => {
  const text = await readFile(DOCUMENT, "utf8");
  const first = (row: RegExp) => Array.from(text.matchAll(row), ([, name]) => name).sort();
  expect(first(/^\| `([a-z]+(?:\.[a-z]+)+)` +\|/gm)).toEqual([...EVENT_TYPES].sort());

  const metrics = createMetrics();
  createEventMetrics(metrics.meter, "test");
  const counted = (await metrics.text()).matchAll(/^# TYPE (reelmesh_events_\w+)/gm);
  expect(first(/^\| `(reelmesh_events_\w+)` +\|/gm)).toEqual(Array.from(counted, ([, name]) => name).sort());
});
