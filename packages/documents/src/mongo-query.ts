import type { Document } from "mongodb";
import type { Sort } from "./collection.js";
import type { Comparison, Conjunction } from "./filter.js";
import type { Change } from "./update.js";

/** @returns the filter as the driver takes it, with equalities plain at the top, where an upsert takes them from. */
export function driverFilter(filter: Conjunction): Document {
  const query: Document = {};
  const further: Document[] = filter.ors.map((branches) => ({ $or: branches.map(driverFilter) }));
  for (const { path, comparison } of filter.fields) {
    if (Object.hasOwn(query, path)) further.push({ [path]: driverCondition(comparison) });
    else query[path] = driverCondition(comparison);
  }
  if (further.length > 0) query.$and = further;
  return query;
}

function driverCondition(comparison: Comparison): unknown {
  switch (comparison.operator) {
    case "equal":
      return comparison.value;
    case "in":
      return { $in: comparison.values };
    case "exists":
      return { $exists: comparison.exists };
    default:
      return { [comparison.operator]: comparison.value };
  }
}

export function driverUpdate(changes: readonly Change[]): Document {
  const update: Record<string, Record<string, unknown>> = {};
  for (const { operator, path, value } of changes) (update[operator] ??= {})[path] = value;
  return update;
}

/** A map keeps the order of paths whatever they are called. */
export function driverSort(sort: Sort = {}): Map<string, 1 | -1> {
  return new Map(Object.entries(sort));
}
