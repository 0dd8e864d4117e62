import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createEjectionGroup, type Member } from "../../src/balancing/ejection.js";

function group(count: number): [Member, Member, ...Member[]] {
  const members = createEjectionGroup();
  const join = () => {
    const member = members.join();
    member.setUsable(true);
    return member;
  };
  return [join(), join(), ...Array.from({ length: count - 2 }, join)];
}

function record(member: Member, well: boolean, times: number, nowMs: number): void {
  for (let i = 0; i < times; i++) member.record(well, nowMs, nowMs);
}

/** Everything that can happen to one of four backends. */
const event = fc.record({
  member: fc.nat(3),
  pauseMs: fc.integer({ min: 0, max: 5_000 }),
  what: fc.constantFrom("well", "unwell", "unwell", "unwell", "connect failed", "connected", "usable", "unusable"),
  times: fc.integer({ min: 1, max: 8 }),
});

describe("ejection", () => {
  test("of two takes one, and never the last", () => {
    const [one, other] = group(2);
    record(one, false, 5, 0);
    expect(one.admission(0)).toBe("ejected");
    record(other, false, 100, 0);
    expect(other.admission(0)).toBe("in");
  });

  test("never takes the last usable one, nor more than half, whatever happens", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 4 }), fc.array(event, { maxLength: 200 }), (count, events) => {
        const members = group(count);
        const usable = new Set<Member>(members);
        let nowMs = 0;
        for (const { member: at, pauseMs, what, times } of events) {
          const member = members[at % count] ?? members[0];
          nowMs += pauseMs;
          const before = members.filter((each) => each.admission(nowMs) === "in");
          for (let i = 0; i < times; i++) {
            if (what === "well" || what === "unwell") member.record(what === "well", nowMs, nowMs);
            else if (what === "connect failed") member.connectFailed(nowMs);
            else if (what === "connected") member.connected(nowMs);
            else {
              member.setUsable(what === "usable");
              if (what === "usable") usable.add(member);
              else usable.delete(member);
            }
          }
          const after = members.filter((each) => each.admission(nowMs) === "in");
          // What was there to call before is there still, unless it went by itself.
          if (before.some((each) => usable.has(each))) expect(after.some((each) => usable.has(each))).toBe(true);
          expect(count - after.length).toBeLessThanOrEqual(Math.ceil(count / 2));
        }
      }),
    );
  });

  test("takes one with half its calls failing, however they alternate", () => {
    const [sick, well] = group(2);
    record(well, true, 20, 0);
    for (let i = 0; i < 10; i++) {
      record(sick, false, 1, 0);
      record(sick, true, 1, 0);
    }
    record(sick, false, 1, 0);
    expect(sick.admission(0)).toBe("ejected");
  });

  test("takes nobody when all fail alike: the fault is elsewhere", () => {
    const members = group(3);
    for (const member of members) for (let i = 0; i < 4; i++) member.record(false, 0, 0);
    for (let i = 0; i < 100; i++) for (const member of members) member.record(false, i, i);
    expect(members.map((member) => member.admission(100))).toEqual(["in", "in", "in"]);
  });

  test("forgets failures of long ago", () => {
    const [sick, well] = group(2);
    record(well, true, 20, 0);
    for (let i = 0; i < 19; i++) {
      record(sick, false, 1, 0);
      record(sick, true, 1, 0);
    }
    const [rested, other] = group(2);
    record(other, true, 20, 0);
    for (let i = 0; i < 9; i++) {
      record(rested, false, 1, 0);
      record(rested, true, 1, 0);
    }
    record(rested, false, 4, 30_000);
    expect([sick.admission(0), rested.admission(30_000)]).toEqual(["ejected", "in"]);
  });
});

describe("probation", () => {
  test("ends with three calls that go well", () => {
    const [sick] = group(2);
    record(sick, false, 5, 0);
    expect(sick.admission(1_999)).toBe("ejected");
    expect(sick.admission(2_000)).toBe("probation");
    record(sick, true, 2, 2_000);
    expect(sick.admission(2_000)).toBe("probation");
    record(sick, true, 1, 2_000);
    expect(sick.admission(2_000)).toBe("in");
  });

  test("ends with one that does not, and the next takes twice as long to come, up to a minute", () => {
    const [sick] = group(2);
    record(sick, false, 5, 0);
    let nowMs = 2_000;
    for (const lastsMs of [4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      record(sick, false, 1, nowMs);
      expect(sick.admission(nowMs + lastsMs - 1)).toBe("ejected");
      nowMs += lastsMs;
      expect(sick.admission(nowMs)).toBe("probation");
    }
  });

  test("begins anew after a minute without trouble", () => {
    const [sick] = group(2);
    record(sick, false, 5, 0);
    record(sick, false, 1, 2_000);
    record(sick, true, 3, 6_000);
    record(sick, false, 5, 67_000);
    expect(sick.admission(68_999)).toBe("ejected");
    expect(sick.admission(69_000)).toBe("probation");
  });

  test("heeds no call that began before it", () => {
    const [sick] = group(2);
    record(sick, false, 5, 0);
    for (let i = 0; i < 3; i++) sick.record(true, 1_000, 2_500);
    expect(sick.admission(2_500)).toBe("probation");
    sick.record(false, 1_000, 2_500);
    expect(sick.admission(2_500)).toBe("probation");
  });

  test("begins at once with the connection whose lack was the reason, and only then", () => {
    const [gone, failing] = group(4);
    for (let i = 0; i < 5; i++) gone.connectFailed(0);
    record(failing, false, 5, 0);
    gone.connected(10);
    failing.connected(10);
    expect([gone.admission(10), failing.admission(10)]).toEqual(["probation", "ejected"]);
  });
});
