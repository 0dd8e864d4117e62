import { expect, test } from "@jest/globals";
import { until } from "../../mesh/test/support/until.js";
import { createExchange, createInProcessBus } from "../src/in-process.js";
import { changed, eventsContract, listen } from "./contract.js";
import { createParts } from "./support.js";

eventsContract("in process", async () => {
  const exchange = createExchange();
  return {
    openBus: async () => createInProcessBus(exchange, createParts()),
    end: async () => undefined,
  };
});

test("a handler that is slower than the events loses the oldest, which are counted", async () => {
  const parts = createParts();
  const bus = createInProcessBus(createExchange(), parts);
  const heard = new Set<string>();
  await listen(bus, ({ name }) => void heard.add(name));
  for (let id = 0; id < 10_010; id++) bus.publish(changed(String(id)));
  await until(() => heard.size === 10_000);
  expect(heard.has("videos/9")).toBe(false);
  expect(heard.has("videos/10")).toBe(true);
  expect(await parts.counted("dropped_total")).toBe(10);
  expect(await parts.counted("published_total")).toBe(10_010);
  expect(await parts.counted("delivered_total")).toBe(10_000);
  await bus.close();
});
