/** A write would make two documents share a value that a unique index (or `_id`) allows once. Nothing was written. */
export class DuplicateKeyError extends Error {
  override readonly name = "DuplicateKeyError";

  /** @param keys the paths of the violated index, in its order; `["_id"]` for the identifier. */
  constructor(
    readonly collection: string,
    readonly keys: readonly string[],
    options?: ErrorOptions,
  ) {
    super(`Another document of "${collection}" already has this ${keys.join(" + ")}.`, options);
  }
}

/** The store cannot be reached or cannot write. The call may or may not have taken effect; retrying is safe to try. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";

  constructor(reason: string, options?: ErrorOptions) {
    super(`The document store is unavailable: ${reason}`, options);
  }
}

/** A stored record does not match its checksum, or an index points at a record that is not there. */
export class DamagedRecordError extends Error {
  override readonly name = "DamagedRecordError";

  constructor(
    readonly collection: string,
    readonly id: string,
    readonly folder: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(
      `Record "${id}" of "${collection}" in ${folder} is damaged: ${reason}. ` +
        `Stop the process and restore the folder from a backup; the other records can still be read.`,
      options,
    );
  }
}

/** The request is outside what every adapter does the same, so every adapter refuses it. Nothing was written. */
export class UnsupportedError extends Error {
  override readonly name = "UnsupportedError";

  /** @param operator what was refused: an operator such as `$regex`, or `sort`, `limit`, `value`, `path`, `index`. */
  constructor(
    readonly operator: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`${operator}: ${reason}`, options);
  }
}

/** Another process (or another opening in this one) holds the folder of the embedded store. */
export class FolderInUseError extends Error {
  override readonly name = "FolderInUseError";

  constructor(
    readonly folder: string,
    holder: string,
  ) {
    super(`The folder ${folder} is in use by ${holder}. Stop that process first, or choose another folder.`);
  }
}
