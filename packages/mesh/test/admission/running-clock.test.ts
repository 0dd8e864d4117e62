import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { createRunningClock } from "../../src/admission/running-clock.js";

/** A process whose times are told. */
function startProcess() {
  const times = { wall: 1_000, processor: 50, idle: 900 };
  const clock = createRunningClock({
    wall: () => times.wall,
    processor: () => times.processor,
    idle: () => times.idle,
  });
  const begun = clock();
  return {
    sinceBegin: () => clock() - begun,
    pass: (given: Partial<typeof times>) => {
      for (const name of ["wall", "processor", "idle"] as const) times[name] += given[name] ?? 0;
    },
  };
}

test("the clock goes on while the process works or has nothing to do", () => {
  const { sinceBegin, pass } = startProcess();
  pass({ wall: 10, processor: 10 });
  expect(sinceBegin()).toBe(10);
  pass({ wall: 100, idle: 100 });
  expect(sinceBegin()).toBe(110);
});

test("it stands still while the process is kept from its work", () => {
  const { sinceBegin, pass } = startProcess();
  pass({ wall: 400, processor: 3 });
  expect(sinceBegin()).toBe(3);
});

test("several threads at work do not make it run faster than time", () => {
  const { sinceBegin, pass } = startProcess();
  pass({ wall: 10, processor: 40 });
  expect(sinceBegin()).toBe(10);
});

test("it never goes back, and is never more than two milliseconds off", () => {
  const step = fc.record({
    wall: fc.double({ min: 0.01, max: 50, noNaN: true }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const { sinceBegin, pass } = startProcess();
      let [before, ran] = [0, 0];
      for (const { wall, share } of steps) {
        pass({ wall, processor: wall * share });
        ran += wall * share;
        const now = sinceBegin();
        expect(now).toBeGreaterThanOrEqual(before);
        expect(now).toBeGreaterThanOrEqual(ran - 2 - 1e-6);
        before = now;
      }
    }),
  );
});
