import {
  MongoAPIError,
  MongoClientClosedError,
  MongoError,
  MongoNotConnectedError,
  MongoServerError,
  MongoTopologyClosedError,
} from "mongodb";
import { DuplicateKeyError, StoreUnavailableError, UnsupportedError } from "./errors.js";
import { PRIMARY, type PlannedIndex } from "./planner.js";

const DUPLICATE_KEY = 11000;
/** The server's codes for what the embedded store says by UnsupportedError, and what that names. */
const REFUSED = new Map<unknown, string>([
  [2, "update"], // BadValue: not an array
  [14, "update"], // TypeMismatch: not a number
  [28, "update"], // PathNotViable: leads through a value that is not an object
  [85, "index"], // IndexOptionsConflict
  [86, "index"], // IndexKeySpecsConflict
  [171, "index"], // CannotIndexParallelArrays
  [10334, "value"], // BSONObjectTooLarge
]);
const CLOSED = [MongoNotConnectedError, MongoTopologyClosedError, MongoClientClosedError];

export interface CalledCollection {
  readonly name: string;
  readonly indexes: readonly PlannedIndex[];
}

/** Runs a call of the driver. @throws this package's errors in place of the driver's. */
export async function driverCall<R>(collection: CalledCollection, call: () => Promise<R>): Promise<R> {
  try {
    return await call();
  } catch (error) {
    throw translated(collection, error);
  }
}

function translated(collection: CalledCollection, error: unknown): unknown {
  if (!(error instanceof MongoError)) return error;
  if (error instanceof MongoServerError && error.code === DUPLICATE_KEY)
    return new DuplicateKeyError(collection.name, violatedKeys(error.message, collection.indexes), { cause: error });
  const refused = error instanceof MongoServerError ? REFUSED.get(error.code) : undefined;
  if (refused !== undefined) return new UnsupportedError(refused, error.message, { cause: error });
  if (error instanceof MongoAPIError && !CLOSED.some((closed) => error instanceof closed)) return error;
  return new StoreUnavailableError(error.message, { cause: error });
}

/** In a bulk write the server's words alone say which index it was; other servers than MongoDB leave that out. */
function violatedKeys(message: string, indexes: readonly PlannedIndex[]): readonly string[] {
  const violated = /index: (\S+)/.exec(message)?.[1];
  const name = violated === "_id_" ? PRIMARY : violated;
  return indexes.find((index) => index.name === name)?.parts.map(({ path }) => path) ?? [];
}
