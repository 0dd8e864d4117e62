import { formatAge, formatExact } from "../format.js";
import { useNow } from "../hooks.js";

/** How long ago something was, with the exact time on hover. */
export function Age({ time }: { readonly time: string }) {
  const now = useNow();
  return (
    <time dateTime={time} title={formatExact(time)}>
      {formatAge(time, now)}
    </time>
  );
}
