/** How a program declares a stream, and which topics a stream can have. */
import {
  isDollarTopic,
  matchesFilter,
  parseSharedFilter,
  topicFilterFault,
} from "../../router/topic.ts";
import type { Retention } from "../../stream/retention.ts";
import { streamNameFault } from "../../stream/stream_name.ts";

/** Why a message that a client was not sent may be a dead letter. */
export type DeadReason = NonNullable<StreamOptions["deadReasons"]>[number];

/** All of them. */
export const DEAD_REASONS: readonly DeadReason[] = [
  "backlog",
  "expired",
  "too-large",
  "session-ended",
];
/** How often a message is given to members of a group by default. */
export const DELIVERIES_MAX = 5;

/** How a program declares a stream. At least one limit is required. */
export interface StreamOptions extends Retention {
  /** 1 to 64 characters of A-Z a-z 0-9 _ . - */
  readonly name: string;
  /**
   * What is published to topics that match one of these is in the stream; none for a stream that
   * has only what a program appends, and dead letters.
   */
  readonly filters: readonly string[];
  /** … unless it matches one of these; none by default. */
  readonly exclude?: readonly string[];
  /** Where it is: with the sessions in the store of the broker, or in memory; `"disk"` by default. */
  readonly store?: "disk" | "memory";
  /** The name of the stream that gets the dead letters of this one; none by default. */
  readonly dead?: string;
  /**
   * Why messages of its topics that a client was not sent are dead letters, too; for no reason by
   * default.
   */
  readonly deadReasons?: readonly ("backlog" | "expired" | "too-large" | "session-ended")[];
  /** How often a message is given to members of a group at most, from 1 on; 5 by default. */
  readonly maxDeliver?: number;
  /** Groups of which one member at a time gets messages; none by default. */
  readonly exclusiveGroups?: readonly string[];
}

/** A stream as it was declared. */
export interface StreamDeclaration {
  readonly name: string;
  readonly filters: readonly string[];
  readonly exclude: readonly string[];
  readonly store: "disk" | "memory";
  /** The stream of its dead letters; `null` for none. */
  readonly dead: string | null;
  readonly deadReasons: readonly DeadReason[];
  readonly maxDeliver: number;
  readonly exclusiveGroups: readonly string[];
}

/** Says what is wrong with a topic filter of a stream, and what would be right; `null` if nothing is. */
export function streamFilterFault(filter: string): string | null {
  const fault = topicFilterFault(filter);
  if (fault !== null) return fault;
  const shared = parseSharedFilter(filter);
  if (shared !== null) return `a stream has topics, which groups read later: use ${shared.filter}`;
  if (!isDollarTopic(filter)) return null;
  return "topics that begin with $ are in no stream: use a filter such as sensors/#";
}

/**
 * Checks which topics a stream has.
 *
 * @throws {RangeError} If a filter is not one that a stream can have; says which.
 */
export function declarationOf(options: StreamOptions): StreamDeclaration {
  const { name, filters, exclude = [], store = "disk", dead = null } = options;
  const { deadReasons = [], maxDeliver = DELIVERIES_MAX, exclusiveGroups = [] } = options;
  const what = `Cannot declare stream "${name}"`;
  for (const filter of [...filters, ...exclude]) {
    const fault = streamFilterFault(filter);
    if (fault !== null) throw new RangeError(`${what}: "${filter}": ${fault}`);
  }
  if (dead !== null) {
    const fault = dead === name ? "it cannot be the stream itself" : streamNameFault(dead);
    if (fault !== null) throw new RangeError(`${what}: dead letters in "${dead}": ${fault}`);
  }
  const odd = deadReasons.find((reason) => !DEAD_REASONS.includes(reason));
  if (odd !== undefined) {
    throw new RangeError(`${what}: "${odd}" is none of ${DEAD_REASONS.join(", ")}`);
  }
  if (deadReasons.length > 0 && dead === null) {
    throw new RangeError(`${what}: deadReasons needs a stream for dead letters`);
  }
  if (!Number.isSafeInteger(maxDeliver) || maxDeliver < 1) {
    throw new RangeError(`${what}: maxDeliver must be a whole number from 1 on, not ${maxDeliver}`);
  }
  const group = exclusiveGroups.find((group) => !isGroupName(group));
  if (group !== undefined) throw new RangeError(`${what}: "${group}" cannot be a group`);
  return { name, filters, exclude, store, dead, deadReasons, maxDeliver, exclusiveGroups };
}

/** Whether a text can be the name of a group. */
export function isGroupName(text: string): boolean {
  return !text.includes("/") && topicFilterFault(`$share/${text}/#`) === null;
}

/** Whether every topic that a filter matches is matched by another one. */
export function covers(wide: string, filter: string): boolean {
  const [a, b] = [wide.split("/"), filter.split("/")];
  for (let i = 0; i < a.length; i++) {
    if (a[i] === "#") return true;
    // `a/#` matches `a` as well, and `a/+` does not.
    if (i >= b.length || b[i] === "#") return false;
    if (a[i] !== "+" && a[i] !== b[i]) return false;
  }
  return a.length === b.length;
}

/** Whether a topic is in a stream. */
export function isExcluded({ exclude }: StreamDeclaration, topic: string): boolean {
  return exclude.some((filter) => matchesFilter(filter, topic));
}

/** Whether a stream leaves out some topic that a filter matches. */
export function isExcludedFilter({ exclude }: StreamDeclaration, filter: string): boolean {
  return exclude.some((excluded) => overlap(excluded.split("/"), filter.split("/")));
}

/** Whether some topic matches both filters. */
function overlap(a: readonly string[], b: readonly string[]): boolean {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (a[i] === "#" || b[i] === "#") return true;
    // `a/#` matches `a` as well.
    if (i >= a.length || i >= b.length) return false;
    if (a[i] !== "+" && b[i] !== "+" && a[i] !== b[i]) return false;
  }
  return true;
}
