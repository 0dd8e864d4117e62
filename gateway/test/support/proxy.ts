import { connect, createServer, type Socket } from "node:net";

/** A line between a service and those who call it, which can be watched, held and cut. */
export interface Proxy {
  /** Where callers find it, host:port. */
  readonly address: string;
  /** How many bytes went to the service. */
  sent(): number;
  /** How many bytes came back from it. */
  received(): number;
  /** Lets nothing more come back from the service until `release`. */
  hold(): void;
  release(): void;
  /** Breaks every connection, as the service's death would, and refuses new ones until `mend`. */
  cut(): void;
  mend(): void;
  stop(): Promise<void>;
}

export async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(`http://${target}`);
  const callers = new Set<Socket>();
  const services = new Set<Socket>();
  let sent = 0;
  let received = 0;
  let held = false;
  let dead = false;
  const server = createServer((caller) => {
    if (dead) {
      caller.destroy();
      return;
    }
    const service = connect(Number(port), hostname);
    callers.add(caller);
    services.add(service);
    if (held) service.pause();
    const end = () => {
      caller.destroy();
      service.destroy();
      callers.delete(caller);
      services.delete(service);
    };
    for (const socket of [caller, service]) {
      socket.setNoDelay(true);
      socket.on("error", end);
      socket.on("close", end);
    }
    caller.on("data", (bytes) => {
      sent += bytes.length;
      if (!service.write(bytes)) {
        caller.pause();
        service.once("drain", () => caller.resume());
      }
    });
    service.on("data", (bytes) => {
      received += bytes.length;
      if (!caller.write(bytes)) {
        service.pause();
        caller.once("drain", () => {
          if (!held) service.resume();
        });
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  const cut = () => {
    dead = true;
    for (const socket of [...callers, ...services]) socket.destroy();
  };
  return {
    address: `127.0.0.1:${typeof bound === "object" && bound ? bound.port : 0}`,
    sent: () => sent,
    received: () => received,
    hold() {
      held = true;
      for (const service of services) service.pause();
    },
    release() {
      held = false;
      for (const service of services) service.resume();
    },
    cut,
    mend() {
      dead = false;
    },
    async stop() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
