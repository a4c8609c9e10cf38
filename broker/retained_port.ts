/** What a broker offers to the links between nodes about its retained messages. */
import type { QoS } from "../codec/mod.ts";
import type { Commit } from "./base/commit.ts";
import { Message } from "./base/message.ts";
import { decodeProperties } from "./base/message_properties.ts";
import { Origin } from "./base/origin.ts";
import type { BrokerParts } from "./broker_parts.ts";
import type { RetainedWatcher } from "./delivery/retained_store.ts";
import { isOwnState } from "./limits/reserved_topics.ts";

/** The most messages, and topic levels, of one step of a walk. */
const MESSAGES_PER_STEP = 100;
const LEVELS_PER_STEP = 1000;

/** Microseconds of a millisecond. */
const US_PER_MS = 1000;

const encoder = new TextEncoder();

/** A retained message as nodes send it to each other. The bytes are borrowed. */
export interface RetainedContent {
  readonly qos: QoS;
  /** The properties that every subscriber receives, encoded, without their length. */
  readonly properties: Uint8Array;
  readonly payload: Uint8Array;
  /** What is left of the Message Expiry Interval, in milliseconds; -1 for none. */
  readonly leftMs: number;
  /** Where it comes from, as {@linkcode Origin.toText} says it, for No Local [MQTT-3.8.3-3]. */
  readonly origin: string;
}

/** The retained messages of a node. Its own state below `$SYS/` does not show here. */
export interface RetainedHost {
  /**
   * The topics that have one. They may change during the walk. It yields `null` after a step that
   * has found none.
   */
  topics(): Generator<string | null, void, void>;
  /** The message of a topic; `null` if there is none. */
  get(topic: string): RetainedContent | null;
  /**
   * The topics whose messages were deleted, as far as that is remembered. They may change during the
   * walk.
   */
  deletions(): Iterable<string>;
  /** The number of the last deletion; they are numbered in order, from 1 on in each process. */
  readonly lastDeletion: number;
  /** Every other node has stored the deletions up to this number: they go when they are old enough. */
  collectDeletions(last: number): void;
  /**
   * Resolves when all changes until now are stored; at once without a store.
   *
   * @returns False if the broker has closed without having stored them.
   */
  whenStored(): Promise<boolean>;
  /**
   * The version of the message of a topic, or of its deletion: when that came to its first node, in
   * microseconds since 1970, as a whole number. It is stored. 0 if nothing is known.
   */
  versionOf(topic: string): number;
  /**
   * Gives the message of a topic its version, or its deletion if there is none. It must follow the
   * change in the same turn: then both are in one commit.
   */
  setVersion(topic: string, version: number): void;
  /**
   * Takes the message of another node. Subscribers receive nothing.
   *
   * @param content The message; `null` deletes that of the topic.
   * @param version When it came to its first node, in microseconds since 1970.
   * @returns False if there is no room for it.
   */
  set(topic: string, content: RetainedContent | null, version: number): boolean;
  /**
   * Has a watcher told of every change, also of a deletion where there was no message: another node
   * may have one. Returns what ends that.
   */
  watch(watcher: RetainedWatcher): () => void;
}

/** The retained messages of one broker. */
export class RetainedPort implements RetainedHost {
  readonly #parts: BrokerParts;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  *topics(): Generator<string | null, void, void> {
    const walk = this.#parts.retained.match("#");
    for (;;) {
      const page = walk.next(MESSAGES_PER_STEP, LEVELS_PER_STEP);
      if (page === null) return;
      yield null;
      // `#` matches no topic that begins with `$`; those are few [MQTT-4.7.2-1].
      for (const { name } of page) yield name;
    }
  }

  deletions(): Iterable<string> {
    return this.#parts.retainedDeletions.topics();
  }

  get lastDeletion(): number {
    return this.#parts.retainedDeletions.last;
  }

  collectDeletions(last: number): void {
    this.#parts.retainedDeletions.collect(last);
  }

  async whenStored(): Promise<boolean> {
    let failed: Commit | null = null;
    for (;;) {
      const commit = this.#parts.journal?.latest ?? null;
      if (commit === null) return true;
      // The same one again is the last one: the broker has closed.
      if (commit === failed) return false;
      await commit.over;
      if (commit.error === null) return true;
      failed = commit;
    }
  }

  get(topic: string): RetainedContent | null {
    const { retained, context } = this.#parts;
    const message = retained.get(topic);
    if (message === undefined) return null;
    const { qos, payload, buffer, propertiesStart, propertiesEnd } = message;
    const properties = buffer.subarray(propertiesStart, propertiesEnd);
    const { expirySeconds, deadlineMs } = message;
    const leftMs = expirySeconds < 0 ? -1 : Math.max(0, deadlineMs - context.clock.now());
    return { qos, payload, properties, leftMs, origin: message.origin.toText() };
  }

  versionOf(topic: string): number {
    const { retained, retainedDeletions, context: { calendar } } = this.#parts;
    const version = retained.versionOf(topic);
    if (version > 0) return version;
    if (retained.get(topic) === undefined) return retainedDeletions.versionOf(topic);
    // It was stored before the broker was a node.
    return Math.round(calendar.toWall(retained.sinceOf(topic))) * US_PER_MS;
  }

  setVersion(topic: string, version: number): void {
    const { retained, retainedDeletions } = this.#parts;
    retained.setVersion(topic, version);
    if (retained.get(topic) === undefined) retainedDeletions.add(topic, version);
    else retainedDeletions.delete(topic);
  }

  set(topic: string, content: RetainedContent | null, version: number): boolean {
    const { retained, context } = this.#parts;
    const { qos = 0, payload = new Uint8Array(), leftMs = -1, origin = "" } = content ?? {};
    const properties = content === null ? {} : decodeProperties(content.properties);
    const seconds = Math.ceil(leftMs / 1000);
    if (leftMs >= 0) properties.messageExpiryInterval = seconds;
    const message = Message.of({
      route: { topic, bytes: encoder.encode(topic) },
      payload,
      properties,
      qos,
      retain: true,
      // It expires everywhere at the same moment.
      nowMs: context.clock.now() - (leftMs < 0 ? 0 : seconds * 1000 - leftMs),
      origin: Origin.parse(origin),
    });
    const sinceMs = context.calendar.toClock(version / US_PER_MS);
    if (retained.set(message, sinceMs, version)) return true;
    context.reportDrop("retained-full", message, null);
    return false;
  }

  watch(watcher: RetainedWatcher): () => void {
    const parts = this.#parts;
    const own: RetainedWatcher = (topic, isExpired) => {
      if (!isOwnState(topic)) watcher(topic, isExpired);
    };
    parts.retainedWatchers.add(own);
    parts.retained.onNoneRemoved = (topic) => {
      if (!isOwnState(topic)) parts.journal?.onRetainedChanged(topic);
      own(topic, false);
    };
    return () => {
      parts.retainedWatchers.delete(own);
      parts.retained.onNoneRemoved = null;
    };
  }
}
