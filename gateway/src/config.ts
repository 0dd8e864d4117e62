import { readEvents, type EventsLocation } from "@reelmesh/events/config.js";
import type { Environment, ListenAddress } from "@reelmesh/mesh/environment.js";

/** The edge's settings. */
export interface GatewayConfig {
  /** `GATEWAY_LISTEN`, default 127.0.0.1:8080; `PORT` changes the port alone. */
  readonly listen: ListenAddress;
  /** Names the edge answers to besides loopback's: `GATEWAY_HOSTS`, comma separated. */
  readonly hosts: readonly string[];
  readonly events: EventsLocation;
  /** How many pages are told of changes at a time: `GATEWAY_EVENT_STREAMS`, default 2000. */
  readonly eventStreams: number;
  /** How often it looks for changes that no event told of: `GATEWAY_CATCH_UP_SECONDS`, default 10. */
  readonly catchUpEveryMs: number;
  /** How long it serves on when told to stop, ending each connection with its next answer: `MESH_DRAIN_NOTICE_MS`. */
  readonly noticeMs: number;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/;

/** Reads the edge's settings. */
export function readConfig(environment: Environment): GatewayConfig {
  const listen = environment.listen("GATEWAY_LISTEN", { default: { host: "127.0.0.1", port: 8080 }, port: "PORT" });
  // Without accounts everybody who reaches the edge is the one local user.
  const open = environment.oneOf("GATEWAY_WITHOUT_ACCOUNTS", { values: ["refuse", "allow"], default: "refuse" });
  if (!LOOPBACK.test(listen.host) && open === "refuse") {
    environment.fault(
      "GATEWAY_LISTEN",
      environment.optional("GATEWAY_LISTEN"),
      "a loopback address, or GATEWAY_WITHOUT_ACCOUNTS=allow: whoever reaches the edge owns every video",
    );
  }
  const catchUpSeconds = environment.integer("GATEWAY_CATCH_UP_SECONDS", { default: 10, min: 1, max: 3600 });
  return {
    listen,
    hosts: readHosts(environment),
    events: readEvents(environment),
    eventStreams: environment.integer("GATEWAY_EVENT_STREAMS", { default: 2000, min: 0, max: 100_000 }),
    catchUpEveryMs: catchUpSeconds * 1000,
    noticeMs: environment.integer("MESH_DRAIN_NOTICE_MS", { default: 0, min: 0, max: 3_600_000 }),
  };
}

function readHosts(environment: Environment): readonly string[] {
  const given = environment.string("GATEWAY_HOSTS", { default: "" });
  const hosts = given.split(",").flatMap((part) => (part.trim() === "" ? [] : [part.trim().toLowerCase()]));
  if (hosts.some((host) => !/^(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/.test(host))) {
    environment.fault("GATEWAY_HOSTS", given, "host names with commas between them, such as video.example.org");
  }
  return hosts;
}
