import {
  useInstrumenter,
  type InstrumenterSpanOptions,
  type OperationTracingOptions,
  type TracingContext,
  type TracingSpan,
} from "@azure/core-tracing";
import { publishSpan } from "@reelmesh/mesh/observe/spans.js";
import { childOf, formatTraceparent, type TraceContext } from "@reelmesh/mesh/observe/trace.js";

/** What the SDK's operations take to be part of a trace. */
export interface TracedOptions {
  readonly tracingOptions?: OperationTracingOptions;
}

export function tracedBy(trace: TraceContext | undefined): TracedOptions {
  return trace ? { tracingOptions: { tracingContext: contextOf(new Map([[TRACE, trace]])) } } : {};
}

/** Has every request of the SDK that belongs to a trace bear its `traceparent`, and be a span of it. */
export function traceAzure(): void {
  useInstrumenter({
    startSpan,
    withContext: (_, callback, ...given) => callback(...given),
    parseTraceparentHeader: () => undefined,
    createRequestHeaders(context): Record<string, string> {
      const trace = traceIn(context);
      if (!trace) return {};
      const { state } = trace;
      return { traceparent: formatTraceparent(trace), ...(state === undefined ? {} : { tracestate: state }) };
    },
  });
}

const TRACE = Symbol("trace");

/** The SDK makes spans of its operations and of the requests that these are made of; the requests are enough. */
const REQUESTS = "@azure/core-rest-pipeline";

function startSpan(name: string, { packageName, spanAttributes, tracingContext }: InstrumenterSpanOptions) {
  const parent = traceIn(tracingContext);
  const context = tracingContext ?? contextOf(new Map());
  if (!parent || packageName !== REQUESTS) return { span: SILENT, tracingContext: context };
  const trace = childOf(parent);
  const method = String(spanAttributes?.["http.method"]);
  return { span: requestSpan(name, method, trace, parent), tracingContext: context.setValue(TRACE, trace) };
}

/** Names no address: URLs bear object names. */
function requestSpan(name: string, method: string, trace: TraceContext, parent: TraceContext): TracingSpan {
  const startMs = Date.now();
  const begunMs = performance.now();
  let status: unknown;
  let error: string | undefined;
  return {
    ...SILENT,
    isRecording: () => true,
    setAttribute(key, value) {
      if (key === "http.status_code") status = value;
    },
    setStatus(outcome) {
      if (outcome.status === "error") error = outcome.error instanceof Error ? outcome.error.name : "Error";
    },
    end() {
      if (!trace.sampled) return;
      publishSpan(() => ({
        name: `Azure Blob Storage ${name}`,
        kind: "client",
        module: "storage",
        trace,
        parentSpanId: parent.spanId,
        startMs,
        durationMs: performance.now() - begunMs,
        attributes: {
          "az.namespace": "Microsoft.Storage",
          "http.request.method": method,
          ...(typeof status === "number" ? { "http.response.status_code": status } : {}),
        },
        error: typeof status === "number" && status >= 400 ? String(status) : error,
      }));
    },
  };
}

const SILENT: TracingSpan = {
  setStatus: () => undefined,
  setAttribute: () => undefined,
  recordException: () => undefined,
  isRecording: () => false,
  end: () => undefined,
};

function contextOf(values: ReadonlyMap<symbol, unknown>): TracingContext {
  return {
    getValue: (key) => values.get(key),
    setValue: (key, value) => contextOf(new Map([...values, [key, value]])),
    deleteValue: (key) => contextOf(new Map([...values].filter(([each]) => each !== key))),
  };
}

function traceIn(context: TracingContext | undefined): TraceContext | undefined {
  const value = context?.getValue(TRACE);
  return isTrace(value) ? value : undefined;
}

function isTrace(value: unknown): value is TraceContext {
  return typeof value === "object" && value !== null && "traceId" in value && "spanId" in value && "sampled" in value;
}
