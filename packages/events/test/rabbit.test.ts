import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, test } from "@jest/globals";
import { Connection } from "rabbitmq-client";
import { startProxy, type Proxy } from "../../../gateway/test/support/proxy.js";
import { until } from "../../mesh/test/support/until.js";
import type { Bus } from "../src/bus.js";
import { connectRabbit } from "../src/rabbit.js";
import { changed, eventsContract, listen } from "./contract.js";
import { createParts } from "./support.js";

const url = process.env.TEST_AMQP_URL;

/** The broker's own view of an exchange of its own, which `end` removes with the groups' queues. */
function startExchange(broker: string) {
  const exchange = `test.${randomUUID().slice(0, 8)}`;
  return {
    exchange,
    end: async () => {
      const connection = new Connection(broker);
      for (const group of ["loops", "others"]) await connection.queueDelete({ queue: `${exchange}.${group}` });
      await connection.exchangeDelete({ exchange });
      await connection.close();
    },
  };
}

if (url !== undefined) {
  eventsContract("RabbitMQ", async () => {
    const { exchange, end } = startExchange(url);
    return { openBus: async () => connectRabbit(url, { ...createParts(), exchange }), end };
  });
  describe("RabbitMQ", () => {
    brokerTests(url);
  });
} else if (process.env.CI === "true") {
  test("events contract: RabbitMQ", () => {
    throw new Error("TEST_AMQP_URL is not set.");
  });
} else {
  test.skip("events contract: RabbitMQ (skipped: TEST_AMQP_URL is not set)", () => undefined);
}

function brokerTests(broker: string): void {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  /** Buses over one exchange, each behind a line that can be cut. */
  const startBuses = () => {
    const { exchange, end } = startExchange(broker);
    ends.push(end);
    return async (): Promise<{ bus: Bus; line: Proxy; parts: ReturnType<typeof createParts> }> => {
      const line = await startProxy(new URL(broker).host);
      ends.push(() => line.stop());
      const behind = new URL(broker);
      behind.host = line.address;
      const parts = createParts();
      const bus = connectRabbit(behind.href, { ...parts, exchange });
      ends.push(() => bus.close());
      return { bus, line, parts };
    };
  };

  test("what is published while the broker is away is told when it is back", async () => {
    const openBus = startBuses();
    const [teller, hearer] = [await openBus(), await openBus()];
    const heard = new Set<string>();
    await listen(hearer.bus, ({ name }) => void heard.add(name));
    await until(async () => (await teller.parts.counted("connected")) === 1);
    teller.line.cut();
    await until(async () => (await teller.parts.counted("connected")) === 0);
    for (let id = 0; id < 100; id++) teller.bus.publish(changed(String(id)));
    teller.line.mend();
    await until(() => heard.size === 100);
  });

  test("who was cut off hears again, is told so, and hears what their group was told meanwhile", async () => {
    const openBus = startBuses();
    const [teller, hearer] = [await openBus(), await openBus()];
    const heard = { all: new Set<string>(), group: new Set<string>() };
    let hearing = 0;
    hearer.bus.subscribe(["catalog.video.changed"], ({ name }) => void heard.all.add(name), {
      onHearing: () => (hearing += 1),
    });
    await listen(hearer.bus, ({ name }) => void heard.group.add(name), { group: "loops" });
    await until(() => hearing === 1);
    hearer.line.cut();
    await until(async () => (await hearer.parts.counted("connected")) === 0);
    teller.bus.publish(changed("meanwhile"));
    await until(async () => (await teller.parts.counted("published_total")) === 1);
    hearer.line.mend();
    await until(() => hearing === 2);
    await until(() => heard.group.has("videos/meanwhile"));
    teller.bus.publish(changed("after"));
    await until(() => heard.all.has("videos/after") && heard.group.has("videos/after"));
  });

  test("what a consumer that died was at, another of its group does", async () => {
    const openBus = startBuses();
    const [teller, dying, living] = [await openBus(), await openBus(), await openBus()];
    const begun: string[] = [];
    await listen(
      dying.bus,
      async ({ name }, signal) => {
        begun.push(name);
        await new Promise((resolve) => {
          signal.addEventListener("abort", resolve);
        });
      },
      { group: "loops" },
    );
    teller.bus.publish(changed("a"));
    await until(() => begun.length === 1);
    const done = new Set<string>();
    await listen(living.bus, ({ name }) => void done.add(name), { group: "loops" });
    dying.line.cut();
    await until(() => done.has("videos/a"));
    expect(await living.parts.counted("redelivered_total")).toBe(1);
  });

  test("a broker that is not there costs nothing but the oldest events, which are counted", async () => {
    const parts = createParts();
    const bus = connectRabbit("amqp://127.0.0.1:1", parts);
    bus.subscribe(["upload.completed"], () => undefined);
    for (let id = 0; id < 10_010; id++) bus.publish(changed(String(id)));
    expect(await parts.counted("dropped_total")).toBe(10);
    expect(await parts.counted("connected")).toBe(0);
    await bus.close();
  });

  test("what is no event is passed over", async () => {
    const { exchange, end } = startExchange(broker);
    ends.push(end);
    const listening = connectRabbit(broker, { ...createParts(), exchange });
    ends.push(() => listening.close());
    const heard: string[] = [];
    await listen(listening, ({ name }) => void heard.push(name), { group: "loops" });
    const stranger = new Connection(broker);
    ends.push(() => stranger.close());
    const publisher = stranger.createPublisher();
    const type = "catalog.video.changed";
    const bodies = ["{", Buffer.from([0xff, 0]), { type }, [], null, { type, name: "../x" }, changed("good")];
    for (const body of bodies) {
      await publisher.send({ exchange, routingKey: type, contentType: "application/json" }, body);
    }
    await until(() => heard.length === 1);
    expect(heard).toEqual(["videos/good"]);
    await publisher.close();
  });
}
