import type { Logger } from "pino";
import type { TraceExportSettings } from "../settings.js";
import { subscribeToSpans, type Span } from "./spans.js";

/** Whether a trace is among the share to be exported. Every process decides alike, by the trace's id. */
export function isSampled(traceId: string, share: number): boolean {
  return Number.parseInt(traceId.slice(-8), 16) < share * 2 ** 32;
}

/** How long a batch may take, tries again included; a stop waits no longer for the last one. */
const PATIENCE_MS = 2_000;

/**
 * Exports every span of this process by OTLP over HTTP, in batches and in the background. OpenTelemetry's SDK is loaded
 * here and nowhere else.
 *
 * @returns how to end it once what is held has been sent.
 * @throws Error when the SDK, an optional dependency, is not installed.
 */
export async function startTraceExport(settings: TraceExportSettings, log: Logger): Promise<() => Promise<void>> {
  const sdk = await load();
  const { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace: api } = sdk;
  const complain = (message: string, ...details: unknown[]) => {
    log.warn({ details }, message);
  };
  const silent = () => undefined;
  const complaints = { error: complain, warn: complain, info: silent, debug: silent, verbose: silent };
  sdk.diag.setLogger(complaints, { logLevel: sdk.DiagLogLevel.WARN, suppressOverrideMessage: true });
  const exporter = new sdk.OTLPTraceExporter({ url: settings.url, timeoutMillis: PATIENCE_MS });
  const processor = new sdk.BatchSpanProcessor({ exporter, scheduledDelayMillis: settings.delayMs });
  const providers = new Map<string, InstanceType<typeof sdk.TracerProvider>>();
  // The ids of spans are known before the SDK hears of them: they have travelled with the calls.
  let ids = { traceId: "", spanId: "" };
  const idGenerator = { generateTraceId: () => ids.traceId, generateSpanId: () => ids.spanId };

  /** Each module is a service of its own to whoever looks at traces. */
  const tracerOf = (module: string) => {
    const provider =
      providers.get(module) ??
      new sdk.TracerProvider({
        resource: sdk.resourceFromAttributes({ "service.name": module, "service.namespace": "reelmesh" }),
        sampler: new sdk.AlwaysOnSampler(),
        idGenerator,
        spanProcessors: [processor],
      });
    providers.set(module, provider);
    return provider.getTracer("reelmesh");
  };
  const hear = ({ name, kind, module, trace, parentSpanId, startMs, durationMs, attributes, error }: Span) => {
    if (!isSampled(trace.traceId, settings.share)) return;
    ids = trace;
    const parent =
      parentSpanId === undefined
        ? ROOT_CONTEXT
        : api.setSpanContext(ROOT_CONTEXT, {
            traceId: trace.traceId,
            spanId: parentSpanId,
            traceFlags: TraceFlags.SAMPLED,
            isRemote: kind === "server",
          });
    const options = { kind: kind === "client" ? SpanKind.CLIENT : SpanKind.SERVER, startTime: startMs, attributes };
    const span = tracerOf(module).startSpan(name, options, parent);
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    span.end(startMs + durationMs);
  };

  const unsubscribe = subscribeToSpans(hear);
  return async () => {
    unsubscribe();
    try {
      await processor.shutdown();
    } catch (error) {
      log.warn({ err: error }, "the last spans could not be exported");
    }
  };
}

async function load() {
  try {
    const [api, sdk, resources, exporter] = await Promise.all([
      import("@opentelemetry/api"),
      import("@opentelemetry/sdk-trace"),
      import("@opentelemetry/resources"),
      import("@opentelemetry/exporter-trace-otlp-http"),
    ]);
    return { ...api, ...sdk, ...resources, ...exporter };
  } catch (error) {
    throw new Error("Traces cannot be exported without the optional packages @opentelemetry/*", { cause: error });
  }
}
