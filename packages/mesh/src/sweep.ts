import { SweepServiceDefinition } from "@reelmesh/proto/reelmesh/mesh/v1/sweep_service.js";
import type { CallScope } from "./call.js";
import { startLoop, type Loop } from "./loop.js";
import { serve, type ServedService } from "./module.js";

/** Removes what is past its time. */
export interface Sweep {
  /** What it removes, in words: `expired uploads`. */
  readonly name: string;
  /**
   * Yields the name of each thing once it is removed, and ends when there is nothing more.
   *
   * @param options.dryRun yields what would be removed, and removes nothing.
   */
  run(scope: CallScope, options: { readonly dryRun: boolean }): AsyncIterable<string>;
}

/** Sweeps again and again, as {@link startLoop} does. */
export function startSweeping(sweep: Sweep, options: Parameters<typeof startLoop>[1]): Loop {
  return startLoop(sweep.name, options, async (scope) => {
    for await (const resource of sweep.run(scope, { dryRun: false })) options.log.info({ resource }, sweep.name);
  });
}

/** Lets operators sweep when they want to. Beside a loop that sweeps too, neither does harm to the other. */
export function serveSweeps(sweeps: readonly Sweep[]): ServedService {
  return serve(
    SweepServiceDefinition,
    {
      async *sweep({ dryRun }, context) {
        for (const sweep of sweeps) {
          for await (const resource of sweep.run(context, { dryRun })) yield { sweep: sweep.name, resource };
        }
      },
    },
    { sweep: "operators" },
  );
}
