import type { IndexDefinition, StoredDocument } from "../src/collection.js";

/** What the programs that are killed, traced and locked out write. */
export interface Note extends StoredDocument {
  group: number;
  tags: string[];
  text: string;
  count: number;
}

export const NOTE_INDEXES: readonly IndexDefinition[] = [
  { keys: { group: 1, count: -1 } },
  { keys: { tags: 1, group: 1 } },
  { keys: { text: 1 }, unique: true },
];
