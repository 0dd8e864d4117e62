import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";

/** A caller's host and replicas' hosts, each a network namespace with a line of its own to the caller's. */
export interface Network {
  /** The namespace of the caller. */
  readonly caller: string;
  readonly hosts: readonly Host[];
  /** Has the caller's programs ask the DNS server at this address. */
  resolveAt(address: string): void;
  destroy(): void;
}

/** A replica's host. */
export interface Host {
  readonly namespace: string;
  /** Its IPv4 address. */
  readonly address: string;
  /** Loses so many of the packets of its line, each way: 0 to 1, where 1 is a line that swallows all and says nothing. */
  lose(share: number): void;
  /** Lets through no more than so many bits a second, each way. */
  narrow(bitsPerSecond: number): void;
}

/** Why there can be no network of namespaces here; undefined when there can. */
export function networkProblem(): string | undefined {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid?.() !== 0) return "needs root";
  for (const [program, option] of [
    ["ip", "-V"],
    ["tc", "-V"],
    ["iptables", "-V"],
  ] as const) {
    if (spawnSync(program, [option]).status !== 0) return `needs ${program}`;
  }
  const name = `reelmesh-try-${process.pid}`;
  const { status } = spawnSync("ip", ["netns", "add", name]);
  spawnSync("ip", ["netns", "del", name]);
  return status === 0 ? undefined : "needs network namespaces";
}

let networks = 0;

/** Makes a network of so many hosts. Its addresses are of 192.0.2.0/24, which is for documentation (RFC 5737). */
export function createNetwork(count: number): Network {
  networks += 1;
  const prefix = `rm${process.pid}-${networks}`;
  const caller = `${prefix}c`;
  const resolver = `/etc/netns/${caller}`;
  addNamespace(caller);
  return {
    caller,
    hosts: Array.from({ length: count }, (_, index) => createHost(caller, `${prefix}r${index}`, index)),
    resolveAt(address) {
      mkdirSync(resolver, { recursive: true });
      writeFileSync(`${resolver}/resolv.conf`, `nameserver ${address}\noptions timeout:1 attempts:1\n`);
    },
    destroy() {
      for (let index = 0; index < count; index++) run("ip", "netns", "del", `${prefix}r${index}`);
      run("ip", "netns", "del", caller);
      rmSync(resolver, { recursive: true, force: true });
    },
  };
}

function createHost(caller: string, namespace: string, index: number): Host {
  // A /30 holds two hosts: its second and its third address.
  const base = 4 * index;
  const [near, address] = [`192.0.2.${base + 1}`, `192.0.2.${base + 2}`];
  const line = `line${index}`;
  addNamespace(namespace);
  run("ip", "link", "add", line, "netns", caller, "type", "veth", "peer", "name", "line", "netns", namespace);
  for (const [where, device, own] of [
    [caller, line, near],
    [namespace, "line", address],
  ] as const) {
    run("ip", "-n", where, "address", "add", `${own}/30`, "dev", device);
    run("ip", "-n", where, "link", "set", device, "up");
  }
  const drop = (share: number) =>
    share < 1 ? ["-m", "statistic", "--mode", "random", "--probability", String(share), "-j", "DROP"] : ["-j", "DROP"];
  return {
    namespace,
    address,
    lose(share) {
      for (const [chain, way] of [
        ["INPUT", "-i"],
        ["OUTPUT", "-o"],
      ] as const) {
        inside(namespace, "iptables", "-w", "-F", chain);
        if (share > 0) inside(namespace, "iptables", "-w", "-A", chain, way, "line", ...drop(share));
      }
    },
    narrow(bitsPerSecond) {
      const filter = ["tbf", "rate", `${bitsPerSecond}bit`, "burst", "16kb", "latency", "200ms"];
      run("tc", "-n", caller, "qdisc", "replace", "dev", line, "root", ...filter);
      run("tc", "-n", namespace, "qdisc", "replace", "dev", "line", "root", ...filter);
    },
  };
}

function addNamespace(name: string): void {
  run("ip", "netns", "add", name);
  run("ip", "-n", name, "link", "set", "lo", "up");
}

function inside(namespace: string, ...command: readonly string[]): void {
  run("ip", "netns", "exec", namespace, ...command);
}

function run(program: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? stderr}`);
}
