import type { GroupPlan } from "./group_plan.ts";
import type { Publication } from "./ledger.ts";
import type { Ends } from "./stream_book.ts";

/** A message that a member of a group was given. */
export interface Given {
  readonly member: string;
  readonly publication: Publication;
  /** Its sequence; 0 where the version has no marks. */
  readonly seq: number;
  readonly qos: number;
  /** The connection it came on, and since when that was open. */
  readonly connection: number;
  readonly openedMs: number;
  readonly atMs: number;
  /** How often the broker had crashed by then. */
  readonly crashes: number;
  /** What the member has answered: a reason code; `null` for nothing. */
  answer: number | null;
  /** Since when the broker is known to have the answer; `Infinity` if not. */
  confirmedMs: number;
}

/** A dead letter of the group. */
export interface Letter {
  readonly seq: number;
  readonly publication: Publication | undefined;
  readonly reason: string;
  readonly count: number;
  readonly seenMs: number;
  readonly crashes: number;
}

/** How far the group was at a moment, as the program was told. */
export interface Progress {
  readonly atMs: number;
  readonly floor: number;
  readonly crashes: number;
}

/** What is known of one group. */
export interface GroupBook {
  readonly plan: GroupPlan;
  readonly given: Given[];
  readonly letters: Letter[];
  readonly progress: Progress[];
  /** Where the stream was when the first SUBSCRIBE was sent, and when the first SUBACK came. */
  before: Ends | null;
  after: Ends | null;
  /** Until when the broker certainly had a connection, by member and number. */
  readonly aliveMs: Map<string, number>;
  /** The connections on which a member was more than once, or left: they have no order. */
  readonly unordered: Set<string>;
}

/** The name of a connection in the book. */
export function connectionKey(
  { member, connection }: Pick<Given, "member" | "connection">,
): string {
  return `${member} ${connection}`;
}

/** Whether the members of a group refuse a message. */
export function isRefused({ refusedEvery }: GroupPlan, { id }: Publication): boolean {
  return refusedEvery > 0 && id % refusedEvery === 0;
}

/** A book with nothing in it. */
export function groupBookOf(plan: GroupPlan): GroupBook {
  return {
    ...{ plan, given: [], letters: [], progress: [], before: null, after: null },
    ...{ aliveMs: new Map(), unordered: new Set() },
  };
}
