import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Criticality } from "../../src/admission/criticality.js";
import { createTurns, type Loop } from "../../src/admission/turns.js";

/** An event loop by hand: time passes as work takes it, turns come when told. */
function createLoop() {
  let nowMs = 0;
  let turns: (() => void)[] = [];
  const after: (() => void)[] = [];
  const settle = () => {
    for (let run = after.shift(); run; run = after.shift()) run();
  };
  const loop: Loop = {
    now: () => nowMs,
    nextTurn: (run) => void turns.push(run),
    afterThis: (run) => void after.push(run),
  };
  return {
    loop,
    pass: (ms: number) => (nowMs += ms),
    /** Runs the next turn; answers whether there was one. */
    turn: (): boolean => {
      const due = turns;
      turns = [];
      for (const run of due) run();
      settle();
      return due.length > 0;
    },
  };
}

function createCalls(workMs: number) {
  const { loop, pass, turn } = createLoop();
  const turns = createTurns(loop);
  const started: string[] = [];
  const refused: string[] = [];
  const enter = (name: string, criticality: Criticality = "critical") => {
    turns.enter(
      criticality,
      () => {
        started.push(name);
        pass(workMs);
      },
      () => refused.push(name),
    );
  };
  return { enter, pass, turn, started, refused };
}

describe("calls", () => {
  test("start at once while a turn has time left", () => {
    const { enter, started } = createCalls(0.5);
    for (const name of ["a", "b", "c", "d"]) enter(name);
    expect(started).toEqual(["a", "b", "c", "d"]);
  });

  test("wait for the next turn once it is used up, the newest first", () => {
    const { enter, turn, started } = createCalls(5);
    for (const name of ["a", "b", "c"]) enter(name);
    expect(started).toEqual(["a"]);
    turn();
    expect(started).toEqual(["a", "c"]);
    turn();
    turn();
    expect(started).toEqual(["a", "c", "b"]);
  });

  test("that matter more go first", () => {
    const { enter, turn, started } = createCalls(5);
    enter("first");
    enter("reader");
    enter("sweep", "sheddable");
    while (turn());
    expect(started).toEqual(["first", "reader", "sweep"]);
  });

  test("of a burst all get their turn", () => {
    const { enter, turn, started, refused } = createCalls(5);
    for (let call = 0; call < 20; call++) enter(String(call));
    while (turn());
    expect(started).toHaveLength(20);
    expect(refused).toEqual([]);
  });

  test("in a queue that stands are refused after 5 ms", () => {
    const { enter, turn, started, refused } = createCalls(5);
    let call = 0;
    const overload = (turns: number) => {
      for (let round = 0; round < turns; round++) {
        for (let more = 0; more < 3; more++) enter(String((call += 1)));
        turn();
      }
    };
    overload(200);
    const before = { started: started.length, refused: refused.length };
    overload(100);
    expect(started.length - before.started).toBe(100);
    expect(refused.length - before.refused).toBe(200);
  });

  test("are each started or refused, once, and never when nothing is left to do", () => {
    const step = fc.record({
      arrivals: fc.array(fc.constantFrom<Criticality>("critical", "sheddable"), { maxLength: 8 }),
      idleMs: fc.integer({ min: 0, max: 40 }),
    });
    fc.assert(
      fc.property(fc.double({ min: 0, max: 20, noNaN: true }), fc.array(step, { maxLength: 60 }), (workMs, steps) => {
        const { enter, pass, turn, started, refused } = createCalls(workMs);
        let call = 0;
        for (const { arrivals, idleMs } of steps) {
          for (const criticality of arrivals) enter(String((call += 1)), criticality);
          pass(idleMs);
          turn();
        }
        while (turn());
        const all = [...started, ...refused].map(Number).sort((a, b) => a - b);
        expect(all).toEqual(Array.from({ length: call }, (_, index) => index + 1));
      }),
    );
  });
});
