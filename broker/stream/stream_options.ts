/** The options with which a program declares a stream, and the checks of its filters. */
import {
  isDollarTopic,
  matchesFilter,
  parseSharedFilter,
  topicFilterFault,
} from "../../router/topic.ts";
import type { Retention } from "../../stream/retention.ts";
import { streamNameFault } from "../../stream/stream_name.ts";

/** The reasons for which a message that was not sent may become a dead letter. */
export type DeadReason = NonNullable<StreamOptions["deadReasons"]>[number];

/** All of them. */
export const DEAD_REASONS: readonly DeadReason[] = [
  "backlog",
  "expired",
  "too-large",
  "session-ended",
];
/** The default for the deliveries of a message to members of a group. */
export const DELIVERIES_MAX = 5;

/** The options of a stream. At least one limit is required. */
export interface StreamOptions extends Retention {
  /** 1 to 64 characters of A-Z a-z 0-9 _ . - */
  readonly name: string;
  /**
   * The stream takes messages to topics that match one of these. Give none for a stream that only
   * has what a program appends, and dead letters.
   */
  readonly filters: readonly string[];
  /** Topics that match one of these are left out; none by default. */
  readonly exclude?: readonly string[];
  /** Where it is kept: in the store of the broker, or in memory; `"disk"` by default. */
  readonly store?: "disk" | "memory";
  /** The name of the stream for the dead letters of this one; none by default. */
  readonly dead?: string;
  /**
   * The reasons for which messages to its topics that were not sent also become dead letters; none
   * by default.
   */
  readonly deadReasons?: readonly ("backlog" | "expired" | "too-large" | "session-ended")[];
  /**
   * The maximum number of deliveries of a message to members of a group, 1 or more; 5 by default.
   */
  readonly maxDeliver?: number;
  /** Groups in which only one member at a time gets messages; none by default. */
  readonly exclusiveGroups?: readonly string[];
}

/** The declaration of a stream, with all defaults filled in. */
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

/** The fault of a topic filter of a stream, with the correct form; `null` for none. */
export function streamFilterFault(filter: string): string | null {
  const fault = topicFilterFault(filter);
  if (fault !== null) return fault;
  const shared = parseSharedFilter(filter);
  if (shared !== null) return `a stream has topics, which groups read later: use ${shared.filter}`;
  if (!isDollarTopic(filter)) return null;
  return "topics that begin with $ are in no stream: use a filter such as sensors/#";
}

/**
 * Checks the filters of a stream.
 *
 * @throws {RangeError} If a stream cannot have a filter; the message names it.
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

/** Whether another filter matches all topics of a filter. */
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

/** Whether a stream excludes a topic that its filters match. */
export function isExcluded({ exclude }: StreamDeclaration, topic: string): boolean {
  return exclude.some((filter) => matchesFilter(filter, topic));
}

/** Whether a stream excludes some topic that a filter matches. */
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
