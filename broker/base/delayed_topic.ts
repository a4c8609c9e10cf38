/**
 * Topics of delayed messages: `$delayed/SECONDS/TOPIC`.
 *
 * @module
 */
import { topicNameFault } from "../../router/topic.ts";

const PREFIX = "$delayed/";
const PREFIX_BYTES: Uint8Array = new TextEncoder().encode(PREFIX);
const SLASH = 0x2f;

/** What a delayed message asks for. */
export interface DelayedTopic {
  readonly seconds: number;
  /** The topic that it is published to in the end. */
  readonly topic: string;
}

/** What is allowed: a broker's context. */
export interface DelayRules {
  readonly settings: { readonly delayed: boolean };
  readonly limits: { readonly delaySecondsMax: number };
}

/** Whether messages for a topic are delayed, if the topic is valid. */
export function isDelayedTopic(topic: string): boolean {
  return topic.startsWith(PREFIX);
}

/**
 * Reads a topic that {@linkcode isDelayedTopic}.
 *
 * @returns `null` if the time is no whole number, or too long, or the rest is no topic, or is
 * itself one of delayed messages.
 */
export function parseDelayedTopic(topic: string, { limits }: DelayRules): DelayedTopic | null {
  const [, digits, rest] = /^\$delayed\/(\d{1,10})\/(.+)$/s.exec(topic) ?? [];
  if (digits === undefined || rest === undefined) return null;
  const seconds = Number(digits);
  if (seconds > limits.delaySecondsMax) return null;
  if (isDelayedTopic(rest) || topicNameFault(rest) !== null) return null;
  return { seconds, topic: rest };
}

/**
 * The topic about which a permission is asked: behind `$delayed/SECONDS/`, where messages are
 * delayed, or the topic itself.
 *
 * @returns `null` if the topic of a delayed message is not valid.
 */
export function targetOf(topic: string, rules: DelayRules): string | null {
  if (!rules.settings.delayed || !isDelayedTopic(topic)) return topic;
  return parseDelayedTopic(topic, rules)?.topic ?? null;
}

/** How many characters of a topic are `$delayed/SECONDS/`; 0 for another topic. */
export function delayedHead(topic: string): number {
  if (!isDelayedTopic(topic)) return 0;
  const slash = topic.indexOf("/", PREFIX.length);
  return slash < 0 ? topic.length : slash + 1;
}

/** The same of a topic in `bytes[start, end)`, in bytes. */
export function delayedHeadBytes(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < PREFIX_BYTES.length) return 0;
  for (const [i, byte] of PREFIX_BYTES.entries()) if (bytes[start + i] !== byte) return 0;
  for (let at = start + PREFIX_BYTES.length; at < end; at++) {
    if (bytes[at] === SLASH) return at + 1 - start;
  }
  return end - start;
}
