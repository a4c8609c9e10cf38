/** Which of two states of a topic's retained message is the later one. */
import type { RetainedContent, RetainedHost } from "../broker/retained_port.ts";

/** Microseconds of a millisecond. */
const US_PER_MS = 1000;

/** Of a large payload so many bytes at each end count for the sum. */
const SUMMED_BYTES = 4096;

/** The parameters of FNV-1a with 32 bits. */
const OFFSET = 0x811c_9dc5;
const PRIME = 0x0100_0193;

/** The state of a topic: its retained message, or that it has none. */
export interface RetainedState {
  /**
   * When it came to its first node, in microseconds since 1970. Two changes of one topic on one node
   * differ, so it may be a little later.
   */
  readonly version: number;
  /** A sum of the message; 0 if there is none. */
  readonly sum: number;
}

/**
 * The versions of the retained messages of one node. A version is the time at which the change came
 * to its first node. The later change wins on every node, and of two that came at the same time the
 * one with the larger sum: so all nodes come to the same state, in whatever order they learn of it.
 *
 * The version is stored with the message. So is that of a deletion, in place of the message: a node
 * which has missed it does not bring the message back.
 */
export class RetainedVersions {
  readonly #host: RetainedHost;
  readonly #wallClock: () => number;
  /** Of messages that have changed since the start. */
  readonly #changed = new Map<string, number>();
  /**
   * The latest version that was seen here. A change is later than all of them, also while the clock
   * of this node is behind.
   */
  #latest = 0;

  constructor(host: RetainedHost, wallClock: () => number) {
    this.#host = host;
    this.#wallClock = wallClock;
  }

  /**
   * Topics that no walk of the messages finds: those whose messages were deleted, and those
   * that begin with `$` and have changed since the start [MQTT-4.7.2-1]. They may change during the
   * walk.
   */
  *others(): Generator<string, void, void> {
    yield* this.#host.deletions();
    for (const topic of this.#changed.keys()) if (topic.startsWith("$")) yield topic;
  }

  /** The state of a topic; version 0 if nothing is known. */
  of(topic: string): RetainedState {
    const content = this.#host.get(topic);
    const version = this.#changed.get(topic) ?? this.#host.versionOf(topic);
    this.#latest = Math.max(this.#latest, version);
    return { version, sum: content === null ? 0 : sumOf(content) };
  }

  /** Whether another state of a topic is the later one. */
  isLater(topic: string, { version, sum }: RetainedState): boolean {
    const own = this.of(topic);
    return version > own.version || version === own.version && sum > own.sum;
  }

  /** A client of this node has changed a topic. */
  onChanged(topic: string): void {
    const now = Math.round(this.#wallClock() * US_PER_MS);
    this.note(topic, Math.max(now, this.#latest + 1));
  }

  /** The message of a topic has expired. Every node finds that out by itself. */
  onExpired(topic: string): void {
    this.#changed.delete(topic);
  }

  /** The topic has its present state since then. */
  note(topic: string, version: number): void {
    this.#latest = Math.max(this.#latest, version);
    if (this.#host.get(topic) === null) this.#changed.delete(topic);
    else this.#changed.set(topic, version);
    this.#host.setVersion(topic, version);
  }
}

/** A sum of a message: two different ones have different sums, nearly always. */
export function sumOf({ qos, properties, payload }: RetainedContent): number {
  let hash = Math.imul(OFFSET ^ qos, PRIME);
  hash = Math.imul(hash ^ payload.length, PRIME);
  for (const bytes of [properties, payload]) {
    const { length } = bytes;
    const head = Math.min(length, SUMMED_BYTES);
    for (let i = 0; i < head; i++) hash = Math.imul(hash ^ bytes[i]!, PRIME);
    for (let i = Math.max(head, length - SUMMED_BYTES); i < length; i++) {
      hash = Math.imul(hash ^ bytes[i]!, PRIME);
    }
  }
  // 0 stands for no message.
  return (hash >>> 0) || 1;
}
