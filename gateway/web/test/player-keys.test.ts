import { expect, test } from "@jest/globals";
import { soughtSecond } from "../src/player-keys.js";

test.each([
  ["0", 200, 0],
  ["5", 200, 100],
  ["9", 200, 180],
  ["Home", 200, 0],
  ["End", 200, 200],
  ["k", 200, undefined],
  ["55", 200, undefined],
  ["5", NaN, undefined],
  ["End", Infinity, undefined],
])("%p of %p s seeks to %p", (key, duration, second) => {
  expect(soughtSecond(key, duration)).toBe(second);
});
