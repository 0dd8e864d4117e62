import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startCollector } from "../support/collector.js";
import { buildProgram, runProgram } from "../support/process.js";

/** Says at the end which packages of OpenTelemetry's SDK the process has loaded. The API alone comes with prom-client. */
const TELL = `import module from "node:module";
process.on("exit", () => {
  const files = Object.keys(module._cache).join("\\n");
  console.log("loaded " + [...new Set(files.match(/@opentelemetry.(?:sdk|exporter|resources)[\\w-]*/g) ?? [])].sort());
});`;
const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(TELL)}`;

let program: Awaited<ReturnType<typeof buildProgram>>;
beforeAll(async () => {
  program = await buildProgram("program.ts");
});
afterAll(() => program.remove());

async function loadedBy(variables: Readonly<Record<string, string>>) {
  const running = runProgram(program.file, "serves", { NODE_OPTIONS, ...variables });
  await running.ready();
  running.kill("SIGTERM");
  await running.ended;
  return /^loaded (.*)$/m.exec(running.stdout())?.[1];
}

test("OpenTelemetry's SDK is loaded where spans have somewhere to go, and nowhere else", async () => {
  expect(await loadedBy({})).toBe("");
  const { url } = await startCollector();
  expect(await loadedBy({ OTEL_EXPORTER_OTLP_ENDPOINT: url })).toContain("@opentelemetry/sdk-trace");
});
