import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createCleanup } from "../support/cleanup.js";
import { until } from "../support/until.js";
import { startLoad } from "./support/load.js";
import {
  EDGE,
  SERVICES,
  apply,
  describeWithKind,
  kubectl,
  openCluster,
  podsOf,
  restart,
  settled,
} from "./support/kind.js";

const VIEWERS = 20;
const DELETIONS = 6;

describeWithKind("on kind, under load", () => {
  const cleanup = createCleanup();
  beforeAll(async () => {
    await openCluster();
    await apply("dev");
  });
  afterAll(() => cleanup.run());

  test("every Deployment restarts in turn: no request fails, no byte is wrong", async () => {
    const load = await startLoad(EDGE, VIEWERS);
    await until(() => load.requests > 100);
    await restart(...SERVICES);
    const before = load.requests;
    await until(() => load.requests > before + 100);
    const { failures, uploads } = await load.stop();
    expect(failures).toEqual([]);
    expect(uploads).toBeGreaterThan(0);
  });

  test("pods are deleted at random, of two each: no request fails, no byte is wrong", async () => {
    await kubectl("scale", "deployment", ...SERVICES, "--replicas=2");
    cleanup.add(() => kubectl("scale", "deployment", ...SERVICES, "--replicas=1"));
    await settled();
    const load = await startLoad(EDGE, VIEWERS);
    await until(() => load.requests > 100);
    for (let deletion = 0; deletion < DELETIONS; deletion++) {
      const service = SERVICES[Math.floor(Math.random() * SERVICES.length)] ?? "";
      const pods = await podsOf(service);
      const chosen = pods[Math.floor(Math.random() * pods.length)]?.name ?? "";
      await kubectl("delete", "pod", chosen, "--wait=false");
      await settled();
    }
    const { failures, uploads } = await load.stop();
    expect(failures).toEqual([]);
    expect(uploads).toBeGreaterThan(0);
  });
});
