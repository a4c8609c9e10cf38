/**
 * Topic Names and Topic Filters: their validity, and whether a filter matches a name (MQTT 3.1.1
 * and 5.0 §4.7, shared filters: 5.0 §4.8.2). Clauses are cited by their 5.0 numbers.
 *
 * All functions compare UTF-16 code units: no normalisation, no case folding [MQTT-4.7.3-4]. The
 * codec checks the length limit of 65,535 bytes [MQTT-4.7.3-3], because only there a name is still
 * in bytes.
 *
 * @module
 */

const DOLLAR = 0x24;
const HASH = 0x23;
const PLUS = 0x2b;
const SHARE_PREFIX = "$share/";
const RESERVED_REGEXP = /^\$(SYS|CONTROL|replay)(\/|$)/;

/** The parts of a shared filter `$share/{group}/{filter}`. */
export interface SharedFilter {
  /** The ShareName. Subscriptions share messages if both group and filter are equal. */
  group: string;
  /** The filter that topics are matched against. */
  filter: string;
}

/**
 * Checks a Topic Name.
 *
 * @returns The fault as a phrase for an error message, such as `"is empty"`, or null if the name is
 * valid [MQTT-4.7.0-1] [MQTT-4.7.3-1] [MQTT-4.7.3-2].
 */
export function topicNameFault(topic: string): string | null {
  if (topic === "") return "is empty";
  if (hasWildcard(topic)) return "contains a wildcard";
  if (topic.includes("\0")) return "contains U+0000";
  return null;
}

/**
 * Checks a Topic Filter, shared or not.
 *
 * @returns The fault as a phrase for an error message, such as `"is empty"`, or null if the filter
 * is valid [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1] [MQTT-4.7.3-2] [MQTT-4.8.2-1]
 * [MQTT-4.8.2-2].
 */
export function topicFilterFault(filter: string): string | null {
  const shared = parseSharedFilter(filter);
  if (shared === null) return plainFilterFault(filter);
  if (shared.group === "") return "has an empty ShareName";
  if (hasWildcard(shared.group)) return "has a wildcard in its ShareName";
  if (shared.group.includes("\0")) return "contains U+0000";
  return shared.filter === ""
    ? "has no filter after its ShareName"
    : plainFilterFault(shared.filter);
}

/** Whether a Topic Filter is empty, or has nothing after its ShareName [MQTT-4.7.3-1]. */
export function isEmptyFilter(filter: string): boolean {
  return (parseSharedFilter(filter)?.filter ?? filter) === "";
}

/** {@linkcode topicFilterFault} for a filter without a ShareName. */
function plainFilterFault(filter: string): string | null {
  if (filter === "") return "is empty";
  if (filter.includes("\0")) return "contains U+0000";
  for (let start = 0; start <= filter.length;) {
    const end = levelEnd(filter, start);
    const last = end === filter.length;
    for (let at = start; at < end; at++) {
      const code = filter.charCodeAt(at);
      if (code !== PLUS && code !== HASH) continue;
      if (end - start > 1) return "has a wildcard that shares its level";
      if (code === HASH && !last) return "has # before its last level";
    }
    start = end + 1;
  }
  return null;
}

/**
 * Splits a shared filter; null if `filter` does not start with `$share/`.
 *
 * Missing parts are empty strings: check the filter with {@linkcode topicFilterFault} first.
 */
export function parseSharedFilter(filter: string): SharedFilter | null {
  if (!filter.startsWith(SHARE_PREFIX)) return null;
  const end = levelEnd(filter, SHARE_PREFIX.length);
  return { group: filter.slice(SHARE_PREFIX.length, end), filter: filter.slice(end + 1) };
}

/** Whether a valid filter has a wildcard, and so may match more than one topic. */
export function hasWildcard(filter: string): boolean {
  return filter.includes("+") || filter.includes("#");
}

/**
 * Whether a wildcard in the first level does not match the topic, as `#` does not match
 * `$SYS/uptime` [MQTT-4.7.2-1].
 */
export function isDollarTopic(topic: string): boolean {
  return topic.charCodeAt(0) === DOLLAR;
}

/** Whether clients may not publish to the topic, such as `$SYS/uptime`. */
export function isReservedTopic(topic: string): boolean {
  return isDollarTopic(topic) && RESERVED_REGEXP.test(topic);
}

/** The index of the slash that ends the level starting at `start`, or the length of `text`. */
export function levelEnd(text: string, start: number): number {
  const slash = text.indexOf("/", start);
  return slash < 0 ? text.length : slash;
}

/**
 * Whether a filter matches a topic. Both must be valid, and the filter must not be a shared one.
 *
 * It walks both strings once by index and allocates nothing.
 */
export function matchesFilter(filter: string, topic: string): boolean {
  let at = 0; // in `filter`
  let to = 0; // in `topic`
  if (isDollarTopic(topic) && filter.charCodeAt(0) !== DOLLAR) return false;
  while (at < filter.length) {
    const code = filter.charCodeAt(at);
    if (code === HASH) return true;
    if (code === PLUS) {
      to = levelEnd(topic, to);
    } else if (code === topic.charCodeAt(to)) {
      to++;
    } else {
      // A topic that ends here is the parent level of `/#`, which also matches it.
      return to === topic.length && filter.startsWith("/#", at);
    }
    at++;
  }
  return to === topic.length;
}

/** Whether a topic or filter has more than `max` levels. */
export function hasMoreLevels(text: string, max: number): boolean {
  let levels = 1;
  for (let at = text.indexOf("/"); at >= 0; at = text.indexOf("/", at + 1)) {
    if (++levels > max) return true;
  }
  return levels > max;
}
