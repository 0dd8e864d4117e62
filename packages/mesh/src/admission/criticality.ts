/**
 * How much a call matters when not all can be served, the more important first. A person waits for a critical one;
 * work that repeats itself sends sheddable ones (Google, Site Reliability Engineering, chapter 21).
 */
export const CRITICALITIES = ["critical", "sheddable"] as const;

export type Criticality = (typeof CRITICALITIES)[number];

/** What part of a server's limit calls of each kind may fill. */
export const SHARE: Readonly<Record<Criticality, number>> = { critical: 1, sheddable: 0.5 };

/** The criticality that a call's metadata names: critical where it names none. */
export function parseCriticality(text: string | undefined): Criticality {
  return CRITICALITIES.find((known) => known === text) ?? "critical";
}
