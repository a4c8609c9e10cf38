/** The place of an entry in a list, and the order of places. */

/** The place of an entry in its list: higher numbers come first, then keys in ascending order. */
export interface Place {
  readonly rank: number;
  readonly key: string;
}

/** Below 0 if `a` comes before `b`, above 0 if it comes after. */
export function compare(a: Place, b: Place): number {
  if (a.rank !== b.rank) return b.rank - a.rank;
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}
