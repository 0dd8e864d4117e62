import type { Principal } from "@reelmesh/mesh/call.js";
import type { Tokens } from "@reelmesh/mesh/tokens.js";
import type { Caller, PrincipalOf } from "./scope.js";

const TOKEN_SECONDS = 3600;
const LOCAL_USER: Principal = { name: "users/local" };

/** Until there are accounts, everybody who reaches the edge is the one local user. */
export function createLocalUser(tokens: Tokens, now: () => number = Date.now): PrincipalOf {
  let held: { caller: Promise<Caller>; renewMs: number } | undefined;
  return () => {
    if (!held || held.renewMs <= now()) {
      const caller = tokens
        .forPrincipal(LOCAL_USER, TOKEN_SECONDS)
        .then((principalToken) => ({ principal: LOCAL_USER, principalToken }));
      held = { caller, renewMs: now() + (TOKEN_SECONDS / 2) * 1000 };
    }
    return held.caller;
  };
}
