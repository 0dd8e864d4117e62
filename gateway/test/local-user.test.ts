import { expect, test } from "@jest/globals";
import { createKeys } from "@reelmesh/mesh/secret.js";
import { createTokens } from "@reelmesh/mesh/tokens.js";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { createLocalUser } from "../src/local-user.js";

const MINUTE_MS = 60_000;

test("everybody is the local user, by a token that is good for at least half an hour", async () => {
  let now = Date.now();
  const tokens = createTokens(createKeys([Buffer.alloc(32, 1)]), () => now);
  const localUser = createLocalUser(tokens, () => now);
  const request = new IncomingMessage(new Socket());
  const handedOut = new Set<string>();
  for (let minute = 0; minute < 180; minute++) {
    const { principal, principalToken = "" } = await localUser(request);
    expect(principal).toEqual({ name: "users/local" });
    handedOut.add(principalToken);
    now += 29 * MINUTE_MS;
    await expect(tokens.principalOf(principalToken)).resolves.toEqual({ name: "users/local" });
    now -= 28 * MINUTE_MS;
  }
  expect(handedOut.size).toBe(6);
});
