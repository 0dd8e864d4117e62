import { experimental, type Metadata, type status } from "@grpc/grpc-js";
import type { Backend } from "./backend.js";
import { choose } from "./choice.js";
import { AVOID_BACKEND } from "./names.js";
import { isAnswer, outcomeOf, type UsualLatencies } from "./outcome.js";

const { COMPLETE } = experimental.PickResultType;

/** Chooses a backend for each call and learns from how the call goes. Every backend given is usable. */
export function createPicker(backends: readonly Backend[], usual: UsualLatencies): experimental.Picker {
  const reserved = new Set<Backend>();
  const forgetReserved = () => {
    for (const { load } of reserved) load.forgetReserved();
    reserved.clear();
  };
  /** A call begins some microtasks after its pick, if it does: calls of one turn see each other by this. */
  const reserve = (backend: Backend) => {
    if (reserved.size === 0) setImmediate(forgetReserved);
    reserved.add(backend);
    backend.load.reserve();
  };

  return {
    pick({ metadata, extraPickInfo }) {
      const nowMs = performance.now();
      const backend = choose(backends, nowMs, takeAvoided(metadata));
      const subchannel = backend?.usable();
      if (!backend || !subchannel) {
        // Its state has changed, and the next picker is on its way.
        return new experimental.UnavailablePicker({ details: "The backend was just lost" }).pick({
          metadata,
          extraPickInfo,
        });
      }
      backend.picked(nowMs);
      const { kind, path = "" } = extraPickInfo;
      if (kind !== "long poll") reserve(backend);
      return {
        pickResultType: COMPLETE,
        subchannel,
        status: null,
        ...followCall(backend, usual, path, kind),
      };
    },
  };
}

type Followed = Pick<experimental.PickResult, "onCallStarted" | "onCallEnded">;

/** A unary call's latency counts; a stream only that it is there; a long poll only whether it failed. */
function followCall(backend: Backend, usual: UsualLatencies, path: string, kind: string | undefined): Followed {
  const { load, member } = backend;
  const timed = kind === "unary";
  let begin: () => void = () => undefined;
  let end: () => void = () => undefined;
  let beganMs = 0;
  if (kind !== "long poll") {
    begin = () => {
      const call = load.begin(beganMs, timed);
      end = () => {
        load.end(call);
      };
    };
  }
  return {
    onCallStarted() {
      backend.began();
      beganMs = performance.now();
      begin();
    },
    onCallEnded(code: status) {
      end();
      backend.ended();
      const nowMs = performance.now();
      const latencyMs = nowMs - beganMs;
      const outcome = outcomeOf(code, timed ? latencyMs : undefined, usual.of(path));
      if (timed) {
        if (isAnswer(code)) {
          load.observe(latencyMs, nowMs);
          usual.observe(path, latencyMs);
        } else load.observeAtLeast(latencyMs, nowMs);
      }
      const before = member.admission(nowMs);
      if (outcome !== "nothing") member.record(outcome === "well", beganMs, nowMs);
      backend.report(nowMs, member.admission(nowMs) !== before);
    },
  };
}

/** What the caller asks to stay away from. Taken off: it is not for the wire. */
function takeAvoided(metadata: Metadata): string | undefined {
  const [avoided] = metadata.get(AVOID_BACKEND);
  if (avoided === undefined) return undefined;
  metadata.remove(AVOID_BACKEND);
  return avoided.toString();
}
