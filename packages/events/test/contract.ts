import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { deferred, until } from "../../mesh/test/support/until.js";
import type { Bus, EventHandler, EventType, Listening, ResourceEvent, Subscription } from "../src/bus.js";
import { MOST_ATTEMPTS } from "../src/listener.js";

/** A place where buses meet. */
export interface Meeting {
  /** A bus as another process has it. */
  openBus(): Promise<Bus>;
  /** Called after all buses are closed. */
  end(): Promise<void>;
}

export const changed = (id: string): ResourceEvent => ({ type: "catalog.video.changed", name: `videos/${id}` });
const completed = (id: string): ResourceEvent => ({ type: "upload.completed", name: `videos/${id}` });
const ids = (count: number) => Array.from({ length: count }, (_, index) => `v${index}`);
const idOf = ({ name }: ResourceEvent) => name.slice("videos/".length);

/** Subscribes, and waits until it hears. */
export async function listen(
  bus: Bus,
  handler: EventHandler,
  { types = ["catalog.video.changed"], group }: { types?: readonly EventType[] } & Pick<Listening, "group"> = {},
): Promise<Subscription> {
  const hearing = deferred();
  const listening = { onHearing: hearing.resolve, ...(group === undefined ? {} : { group }) };
  const subscription = bus.subscribe(types, handler, listening);
  await hearing.promise;
  return subscription;
}

/** What every bus promises. */
export function eventsContract(name: string, meet: () => Promise<Meeting>): void {
  describe(`events contract: ${name}`, () => {
    let meeting: Meeting;
    let here: Bus;
    let there: Bus;

    beforeEach(async () => {
      meeting = await meet();
      here = await meeting.openBus();
      there = await meeting.openBus();
    });
    afterEach(async () => {
      await Promise.all([here.close(), there.close()]);
      await meeting.end();
    });

    test("whoever listens hears, wherever they are, what they asked for", async () => {
      const heard: Record<"a" | "b" | "uploads", Set<string>> = { a: new Set(), b: new Set(), uploads: new Set() };
      await listen(here, (event) => void heard.a.add(idOf(event)));
      await listen(there, (event) => void heard.b.add(idOf(event)));
      await listen(there, (event) => void heard.uploads.add(`${event.type} ${idOf(event)}`), {
        types: ["upload.completed"],
      });
      for (const id of ids(50)) here.publish(changed(id));
      there.publish(completed("u"));
      await until(() => heard.a.size === 50 && heard.b.size === 50 && heard.uploads.size === 1);
      expect([...heard.uploads]).toEqual(["upload.completed u"]);
      expect([...heard.a].sort()).toEqual(ids(50).sort());
    });

    test("one subscription can ask for several types", async () => {
      const heard = new Set<string>();
      await listen(there, ({ type }) => void heard.add(type), { types: ["upload.completed", "catalog.video.changed"] });
      here.publish(changed("a"));
      here.publish(completed("a"));
      await until(() => heard.size === 2);
    });

    test("of a group, one hears each event; each group hears all", async () => {
      const heard: string[] = [];
      const other = new Set<string>();
      await listen(here, (event) => void heard.push(idOf(event)), { group: "loops" });
      await listen(there, (event) => void heard.push(idOf(event)), { group: "loops" });
      await listen(there, (event) => void other.add(idOf(event)), { group: "others" });
      for (const id of ids(100)) here.publish(changed(id));
      await until(() => heard.length >= 100 && other.size === 100);
      expect(heard.sort()).toEqual(ids(100).sort());
    });

    test("a handler that fails is called again, and then has done it", async () => {
      const calls: string[] = [];
      await listen(there, (event) => {
        calls.push(idOf(event));
        if (calls.length < 3) throw new Error("not yet");
      });
      here.publish(changed("a"));
      await until(() => calls.length === 3);
      here.publish(changed("b"));
      await until(() => calls.length === 4);
      expect(calls).toEqual(["a", "a", "a", "b"]);
    });

    test.each([undefined, "loops"])(
      "a handler that always fails does not hold up the rest (group %s)",
      async (group) => {
        const calls: string[] = [];
        const handler = async (event: ResourceEvent) => {
          calls.push(idOf(event));
          if (idOf(event) === "bad") throw new Error("never");
        };
        await listen(there, handler, group === undefined ? {} : { group });
        here.publish(changed("bad"));
        for (const id of ids(40)) here.publish(changed(id));
        await until(() => calls.filter((id) => id !== "bad").length === 40);
        await until(() => calls.filter((id) => id === "bad").length === MOST_ATTEMPTS);
        here.publish(changed("last"));
        await until(() => calls.includes("last"));
        expect(calls.filter((id) => id === "bad")).toHaveLength(MOST_ATTEMPTS);
      },
    );

    test("a closed subscription hears nothing; closing waits for what it is at", async () => {
      const ended: string[] = [];
      const begun = deferred();
      const subscription = await listen(there, async (event, signal) => {
        begun.resolve();
        await new Promise((resolve) => {
          signal.addEventListener("abort", resolve);
        });
        ended.push(idOf(event));
      });
      const witness = new Set<string>();
      await listen(here, (event) => void witness.add(idOf(event)));
      here.publish(changed("a"));
      await begun.promise;
      await subscription.close();
      expect(ended).toEqual(["a"]);
      here.publish(changed("b"));
      await until(() => witness.has("b"));
      expect(ended).toEqual(["a"]);
    });

    test("what a member of a group leaves undone, another one does", async () => {
      const begun = deferred();
      const done = new Set<string>();
      const leaving = await listen(
        there,
        async (_event, signal) => {
          begun.resolve();
          await new Promise((resolve) => {
            signal.addEventListener("abort", resolve);
          });
          throw new Error("interrupted");
        },
        { group: "loops" },
      );
      here.publish(changed("a"));
      await begun.promise;
      await listen(here, (event) => void done.add(idOf(event)), { group: "loops" });
      await leaving.close();
      await until(() => done.has("a"));
    });

    test("equal events are worth at least one", async () => {
      const heard: string[] = [];
      await listen(there, (event) => void heard.push(idOf(event)));
      for (let again = 0; again < 1000; again++) here.publish(changed("same"));
      here.publish(changed("last"));
      await until(() => heard.includes("last") && heard.includes("same"));
      expect(heard.length).toBeLessThanOrEqual(1001);
    });

    test("who publishes without anybody to listen, or after the end, is not bothered", async () => {
      here.publish(changed("a"));
      await here.close();
      expect(() => {
        here.publish(changed("b"));
      }).not.toThrow();
      await here.close();
    });

    test("a bus that closes has told what it was given", async () => {
      const heard = new Set<string>();
      await listen(there, (event) => void heard.add(idOf(event)));
      for (const id of ids(200)) here.publish(changed(id));
      await here.close();
      await until(() => heard.size === 200);
    });
  });
}
