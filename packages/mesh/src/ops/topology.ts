import { addBuckets, quantileMs } from "../observe/latency-buckets.js";
import type { CallStats } from "../observe/call-stats.js";
import type { MeshState } from "./state.js";

/** One service's calls to another, all methods together. */
export interface Edge {
  readonly caller: string;
  readonly service: string;
  readonly declared: boolean;
  /** Whether any call was ever seen. */
  readonly seen: boolean;
  /** Calls a second. */
  readonly rps: number;
  /** The share of calls that did not fail, from 0 to 1; undefined without calls. */
  readonly success: number | undefined;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  /** A second. */
  readonly retries: number;
  readonly hedges: number;
  readonly shed: number;
  /** How many replicas the caller's balancers know, one that two replicas of the caller know counted twice. */
  readonly backends: number;
  /** How many of these get no calls for their failures. */
  readonly ejected: number;
}

/** The figures of some calls together. */
export type Figures = Omit<Edge, "caller" | "service" | "declared" | "backends" | "ejected">;

/** A service or whoever calls one. */
export interface Node {
  readonly name: string;
  /** Of all its replicas seen; undefined where it runs in a process that was not asked. */
  readonly ready: boolean | undefined;
  readonly replicas: number;
  readonly address?: string;
}

/** Who calls whom. */
export interface Topology {
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge[];
}

/** The figures of calls counted over so many seconds. */
export function figuresOf(stats: readonly CallStats[], seconds: number): Figures {
  const total = (key: "calls" | "failed" | "retries" | "hedges" | "shed" | "totalCalls") =>
    stats.reduce((sum, each) => sum + each[key], 0);
  const calls = total("calls");
  const latency = stats.reduce<CallStats["latency"]>((sum, each) => addBuckets(sum, each.latency), []);
  return {
    seen: total("totalCalls") > 0,
    rps: calls / seconds,
    success: calls === 0 ? undefined : 1 - total("failed") / calls,
    p50Ms: quantileMs(latency, 0.5),
    p99Ms: quantileMs(latency, 0.99),
    retries: total("retries") / seconds,
    hedges: total("hedges") / seconds,
    shed: total("shed") / seconds,
  };
}

/**
 * Puts together what several processes know. A caller's own counts are used where its process was asked; a caller that
 * was not, such as grpcurl, appears as the services saw it.
 */
export function topologyOf(states: readonly MeshState[]): Topology {
  const modules = states.flatMap((state) => state.modules);
  const asked = new Set(modules.map(({ name }) => name));
  const seconds = Math.max(1, ...states.map(({ windowSeconds }) => windowSeconds));
  const made = states.flatMap((state) => state.made);
  const served = states.flatMap((state) => state.served);
  const backends = states.flatMap((state) => state.backends);
  const counted = [...made, ...served.filter(({ caller }) => !asked.has(caller))];
  const declared = routesOf(
    modules.flatMap(({ name, clients }) => clients.map((service) => ({ caller: name, service }))),
  );
  const routes = new Map([...declared, ...routesOf(counted)]);
  const edges = [...routes]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([key, { caller, service }]): Edge => {
      const ofEdge = (each: CallStats) => each.caller === caller && each.service === service;
      const shed = served.filter(ofEdge).reduce((sum, each) => sum + each.shed, 0) / seconds;
      const known = backends.filter((each) => each.caller === caller && each.service === service);
      return {
        ...{ caller, service, declared: declared.has(key) },
        ...figuresOf(counted.filter(ofEdge), seconds),
        shed,
        backends: known.length,
        ejected: known.filter(({ ejected }) => ejected === true).length,
      };
    });
  const names = new Set([...asked, ...edges.flatMap(({ caller, service }) => [caller, service])]);
  const nodes = [...names].sort().map((name): Node => {
    const replicas = modules.filter((module) => module.name === name);
    const [first] = replicas;
    return {
      name,
      ready: first && replicas.every(({ ready }) => ready),
      replicas: replicas.length,
      ...(first?.address === undefined ? {} : { address: first.address }),
    };
  });
  return { nodes, edges };
}

interface Route {
  readonly caller: string;
  readonly service: string;
}

function routesOf(calls: readonly Route[]): ReadonlyMap<string, Route> {
  return new Map(calls.map(({ caller, service }) => [`${caller} > ${service}`, { caller, service }]));
}
