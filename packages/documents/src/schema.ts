import { DomainError } from "@reelmesh/mesh/errors.js";
import type { Fields } from "./value.js";

/**
 * One step from a version of a collection's schema to the next. Pure: it returns a new document.
 *
 * It keeps every field that it does not know. An older program may have changed a document since it made the step: what
 * the step adds may be there already, and is kept, or derived anew where it derives from other fields.
 */
export interface Migration {
  up(document: Readonly<Fields>): Fields;
  /** Whether programs from before it cannot honour what it makes: they then refuse such a document. Default false. */
  readonly breaking?: boolean;
}

/** What a collection's documents look like, by all the steps that led there. */
export interface Schema {
  /** What is written: 1, and 1 more for each step. */
  readonly version: number;
  /** The least version a program must know to honour what is written. */
  readonly minimum: number;
  /**
   * The document in the present form: itself where it is in it, or in a newer one that can be honoured.
   *
   * @throws DomainError NEWER_DATA where it can not.
   */
  present(document: Fields): Fields;
  /** The document marked as written in the present form. */
  stamp(document: Fields): Fields;
}

/** Documents without it are from before there were versions: version 0, which looks as version 1 does. */
const VERSION = "schema";
/** On documents that need more than version 1. */
const MINIMUM = "minSchema";

export function createSchema(collection: string, migrations: readonly Migration[] = []): Schema {
  const version = migrations.length + 1;
  const minimum = migrations.findLastIndex(({ breaking = false }) => breaking) + 2;
  const stamp = (document: Fields): Fields => {
    const { [MINIMUM]: _, ...fields } = document;
    return { ...fields, [VERSION]: version, ...(minimum > 1 ? { [MINIMUM]: minimum } : {}) };
  };
  return {
    version,
    minimum,
    stamp,
    present(document) {
      const written = versionOf(document);
      if (minimumOf(document) > version) {
        const resource = `${collection}/${typeof document._id === "string" ? document._id : ""}`;
        throw new DomainError("NEWER_DATA", { resource, schema: String(written), known: String(version) });
      }
      if (written >= version) return document;
      const steps = migrations.slice(Math.max(written - 1, 0));
      return stamp(steps.reduce((before, step) => step.up(before), document));
    },
  };
}

/** The version of the schema that a document is written in. */
export function versionOf(document: Readonly<Fields>): number {
  return number(document[VERSION], 0);
}

/** The least version that a program must know to honour it. */
export function minimumOf(document: Readonly<Fields>): number {
  return number(document[MINIMUM], 1);
}

function number(value: unknown, missing: number): number {
  return typeof value === "number" ? value : missing;
}
