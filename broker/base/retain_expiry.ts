/** How long retained messages without an expiry of their own stay, by their topics. */
import { matchesFilter, parseSharedFilter, topicFilterFault } from "../../router/topic.ts";

/** Rules at once: each is compared with the topic of each retained message. */
export const RETAIN_EXPIRY_RULES_MAX = 100;

/** How long a retained message stays whose topic matches. */
export interface RetainExpiryRule {
  /** A topic filter. */
  readonly filter: string;
  /** Seconds from the time at which it was published; 0 for ever. */
  readonly seconds: number;
}

/** What is wrong with a topic filter of a rule; `null` if nothing is. */
export function retainFilterFault(filter: string): string | null {
  return topicFilterFault(filter) ??
    (parseSharedFilter(filter) === null ? null : "is a shared subscription");
}

/**
 * Makes a function that returns how many seconds a retained message of a topic stays; `Infinity`
 * for ever. The first rule that matches holds.
 *
 * @throws {RangeError} If a rule is not valid, or there are too many.
 */
export function retainExpiryOf(rules: readonly RetainExpiryRule[]): (topic: string) => number {
  if (rules.length > RETAIN_EXPIRY_RULES_MAX) {
    throw new RangeError(
      `Cannot use retainExpiry: ${rules.length} rules, of at most ${RETAIN_EXPIRY_RULES_MAX}`,
    );
  }
  for (const { filter, seconds } of rules) {
    const fault = retainFilterFault(filter);
    if (fault !== null) throw new RangeError(`Cannot use retainExpiry for "${filter}": ${fault}`);
    if (!(Number.isSafeInteger(seconds) && seconds >= 0)) {
      throw new RangeError(
        `Cannot use retainExpiry for "${filter}": ${seconds} is not a whole number of seconds`,
      );
    }
  }
  const known = rules.map(({ filter, seconds }) => ({ filter, seconds: seconds || Infinity }));
  return (topic) => known.find(({ filter }) => matchesFilter(filter, topic))?.seconds ?? Infinity;
}
