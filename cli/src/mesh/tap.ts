import type { RecentCall } from "@reelmesh/mesh/observe/recent-calls.js";
import { askState, problemOf } from "@reelmesh/mesh/ops/ask.js";
import { duration } from "@reelmesh/mesh/ops/markup.js";
import type { Command } from "../command.js";
import { statesOf } from "./ask.js";
import { OPS_USAGE, readMeshOptions } from "./options.js";
import { printable, type Colour, type Paint } from "./paint.js";

/** Shows a service's calls as they end. */
export const tap: Command = {
  name: "mesh tap",
  usage: `mesh tap SERVICE [--ops HOST:PORT,...] [--json]
      The calls that a service answers, as they end, until Ctrl+C: who, what, how; never contents or tokens.
      ${OPS_USAGE}.`,
  async run(invocation) {
    const { ops, json, words } = readMeshOptions(invocation, { words: 1 });
    const [service = ""] = words;
    // A process streams its own calls alone: those that it is told of are not asked.
    const states = statesOf(await Promise.all(ops.map((address) => askState(address))));
    const modules = states.flatMap((state) => state.modules.map(({ name }) => name));
    if (!modules.includes(service)) throw new Error(`${service} does not run there: there are ${modules.join(", ")}`);
    await Promise.all(
      ops.map((address) =>
        follow(address, service, (call) => {
          invocation.out(json ? JSON.stringify(call) : renderCall(call, invocation.paint));
        }),
      ),
    );
  },
};

async function follow(address: string, service: string, show: (call: RecentCall) => void): Promise<void> {
  try {
    const response = await fetch(`http://${address}/mesh/calls?past=0&service=${encodeURIComponent(service)}`);
    if (!response.ok || !response.body) throw new Error(`answered ${response.status}`);
    let text = "";
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
      text += part;
      const events = text.split("\n\n");
      text = events.pop() ?? "";
      for (const call of events.map(callOf)) if (call) show(call);
    }
  } catch (error) {
    throw new Error(`${address}: ${problemOf(error)}`, { cause: error });
  }
  throw new Error(`${address}: it has stopped`);
}

/** The call that a server-sent event is about; undefined for a heartbeat. */
function callOf(event: string): RecentCall | undefined {
  if (!event.startsWith("data: ")) return undefined;
  const call: unknown = JSON.parse(event.slice("data: ".length));
  return isCall(call) ? call : undefined;
}

function isCall(value: unknown): value is RecentCall {
  return typeof value === "object" && value !== null && "method" in value && "time" in value && "status" in value;
}

function renderCall(call: RecentCall, paint: Paint): string {
  const method = call.method.slice(call.method.lastIndexOf("/") + 1);
  const colour: Colour = call.status === "OK" ? "green" : call.reason === "INTERNAL" ? "red" : "yellow";
  const about = [call.reason, call.principal, call.peer, call.requestId].filter((part) => part !== undefined);
  return [
    paint("dim", call.time.slice(11, 23)),
    paint("bold", printable(`${call.caller} > ${call.service}`).padEnd(24)),
    printable(method).padEnd(20),
    paint(colour, printable(call.status).padEnd(10)),
    duration(call.durationMs).padStart(8),
    paint("dim", printable(about.join(" "))),
  ].join("  ");
}
