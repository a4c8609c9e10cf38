/** Which topics a bridge shares, and what they are called on the other side. */
import type { QoS } from "../codec/mod.ts";
import { matchesFilter, topicFilterFault, topicNameFault } from "../router/topic.ts";
import type { BridgeTopic } from "./options.ts";

/** One way of one topic line: a filter on the side that messages come from, and how they are renamed. */
export interface TopicRule {
  /** The filter on the side that messages come from. */
  readonly filter: string;
  /** The maximum QoS. */
  readonly qos: QoS;
  /** Where it was configured, such as `file:line: topic …`. */
  readonly place: string;
  /** The name of a topic that matches the filter, on the side that messages go to. */
  rename(topic: string): string;
}

/** The topics of a bridge, both ways. */
export interface TopicMap {
  readonly out: readonly TopicRule[];
  readonly in: readonly TopicRule[];
}

/** A topic on the other side, and the rule that it comes from. */
export interface Renamed {
  readonly topic: string;
  readonly rule: TopicRule;
}

const REFERENCE_REGEXP = /\$\{(\d+)\}/g;

/**
 * Makes the rules of a bridge.
 *
 * @throws {RangeError} If a topic cannot be shared.
 */
export function topicMapOf(topics: readonly BridgeTopic[]): TopicMap {
  const map = { out: [] as TopicRule[], in: [] as TopicRule[] };
  for (const topic of topics) {
    const fault = bridgeTopicFault(topic);
    if (fault !== null) throw new RangeError(`Cannot share "${topic.pattern}": ${fault}`);
    const { direction = "out", localPrefix = "", remotePrefix = "" } = topic;
    if (direction !== "in") map.out.push(ruleOf(topic, localPrefix, remotePrefix));
    if (direction !== "out") map.in.push(ruleOf(topic, remotePrefix, localPrefix));
  }
  return map;
}

/** What is wrong with a topic of a bridge; `null` if nothing is. */
export function bridgeTopicFault(topic: BridgeTopic): string | null {
  const { pattern, direction = "out", localPrefix = "", remotePrefix = "" } = topic;
  if (pattern === "" && (localPrefix === "" || remotePrefix === "")) {
    return "an empty pattern needs both a local and a remote prefix";
  }
  const levels = pattern.split("/").filter((level) => level === "+").length;
  for (const [side, prefix] of [["local", localPrefix], ["remote", remotePrefix]] as const) {
    if (/[+#]/.test(prefix)) return `the ${side} prefix must have no + and #`;
    for (const [reference, number] of prefix.matchAll(REFERENCE_REGEXP)) {
      if (Number(number) >= 1 && Number(number) <= levels) continue;
      return `${reference} stands for a + of the pattern, which has ${levels || "none"}`;
    }
    const isSource = direction === "both" || (side === "local") === (direction === "out");
    const filter = filterOf(prefix, pattern);
    const fault = isSource ? topicFilterFault(filter) : null;
    if (fault !== null) return `"${filter}" ${fault}`;
  }
  return null;
}

/**
 * Finds the topic on the other side: by the first rule that matches, as in mosquitto.
 *
 * @returns `null` if no rule matches, or the new topic would not be valid.
 */
export function renamed(rules: readonly TopicRule[], topic: string): Renamed | null {
  const rule = rules.find(({ filter }) => matchesFilter(filter, topic));
  if (rule === undefined) return null;
  const name = rule.rename(topic);
  return topicNameFault(name) === null ? { topic: name, rule } : null;
}

/** A prefix with `${n}` is a level that may be anything. */
function filterOf(prefix: string, pattern: string): string {
  return prefix.replace(REFERENCE_REGEXP, "+") + pattern;
}

function ruleOf(
  { pattern, qos = 0, place = "" }: BridgeTopic,
  from: string,
  to: string,
): TopicRule {
  return {
    filter: filterOf(from, pattern),
    qos,
    place: place || `topic ${pattern || '""'}`,
    rename: renamer(from, to, pattern),
  };
}

/** Most rules have no references: they only replace one prefix by another. */
function renamer(from: string, to: string, pattern: string): (topic: string) => string {
  if (!from.includes("${") && !to.includes("${")) {
    return (topic) => to + topic.slice(from.length);
  }
  const fromLevels = levelsOf(from);
  const isWhole = pattern === "" || from === "" || from.endsWith("/");
  const skipped = from === "" ? 0 : fromLevels - (from.endsWith("/") ? 1 : 0);
  const marks = pattern.split("/").flatMap((level, index) => level === "+" ? [index] : []);
  return (topic) => {
    const levels = topic.split("/");
    const rest = isWhole ? levels.slice(skipped) : restOf(levels, from, skipped);
    const prefix = to.replace(REFERENCE_REGEXP, (_, n) => rest[marks[Number(n) - 1]!] ?? "");
    return prefix + rest.join("/");
  };
}

/** A prefix that ends within a level: what is left of that level begins the rest. */
function restOf(levels: readonly string[], from: string, skipped: number): string[] {
  const last = from.slice(from.lastIndexOf("/") + 1);
  const rest = levels.slice(skipped - 1);
  return [rest[0]!.slice(last.length), ...rest.slice(1)];
}

function levelsOf(prefix: string): number {
  return prefix.split("/").length;
}
