/** The topic prefix that a listener adds for its clients. */
import { copyBytes } from "../../codec/fields.ts";
import { delayedHead, delayedHeadBytes } from "./delayed_topic.ts";
import { parseSharedFilter } from "../../router/topic.ts";

/** The maximum length of a topic, in bytes (MQTT 5 §1.5.4). */
const TOPIC_BYTES_MAX = 65_535;

const encoder = new TextEncoder();

/**
 * The mount point of a listener: a prefix that is added to all topics of its clients, and removed
 * from topics sent to them. They see no other topics.
 */
export class MountPoint {
  /** The prefix. */
  readonly prefix: string;
  /** The prefix in UTF-8. */
  readonly bytes: Uint8Array;
  /** Holds the last mounted topic, until the next one. */
  #scratch: Uint8Array = new Uint8Array(256);

  readonly #delays: boolean;

  /**
   * @param delays Whether the prefix comes after `$delayed/SECONDS/`.
   * @throws {RangeError} If the prefix is empty, or no topic could begin with it.
   */
  constructor(prefix: string, delays = false) {
    this.prefix = prefix;
    this.#delays = delays;
    this.bytes = encoder.encode(prefix);
    const isTopic = !/[+#\0]/.test(prefix) && prefix.isWellFormed();
    if (prefix === "" || !isTopic || this.bytes.length >= TOPIC_BYTES_MAX) {
      throw new RangeError(`Cannot use mountPoint: no topic begins with ${JSON.stringify(prefix)}`);
    }
  }

  /** The broker's topic for a client's topic. */
  topic(name: string): string {
    const head = this.#delays ? delayedHead(name) : 0;
    return name.slice(0, head) + this.prefix + name.slice(head);
  }

  /** The client's topic for a broker's topic. */
  told(name: string): string {
    const head = this.#delays ? delayedHead(name) : 0;
    return name.slice(0, head) + name.slice(head + this.prefix.length);
  }

  /**
   * The broker's filter for a client's filter; the prefix comes after the name of a shared group.
   */
  filter(filter: string): string {
    const shared = parseSharedFilter(filter);
    if (shared === null) return this.prefix + filter;
    return `$share/${shared.group}/${this.prefix}${shared.filter}`;
  }

  /**
   * The broker's topic for the client's topic in `bytes[start, end)`.
   *
   * @returns Bytes that are valid until the next call; `null` if the topic is empty or becomes too
   * long.
   */
  mounted(bytes: Uint8Array, start: number, end: number): Uint8Array | null {
    const prefix = this.bytes.length;
    const length = prefix + end - start;
    if (start === end || length > TOPIC_BYTES_MAX) return null;
    if (this.#scratch.length < length) this.#scratch = new Uint8Array(TOPIC_BYTES_MAX);
    const head = this.#delays ? delayedHeadBytes(bytes, start, end) : 0;
    copyBytes(bytes, start, start + head, this.#scratch, 0);
    this.#scratch.set(this.bytes, head);
    copyBytes(bytes, start + head, end, this.#scratch, head + prefix);
    return this.#scratch.subarray(0, length);
  }

  /** Whether a client's topic is longer than allowed. */
  isTooLong(name: string): boolean {
    return this.bytes.length + encoder.encode(name).length > TOPIC_BYTES_MAX;
  }

  /** Whether a broker's topic is visible to the clients. */
  holds(topic: Uint8Array): boolean {
    const { bytes } = this;
    if (topic.length <= bytes.length) return false;
    for (let i = 0; i < bytes.length; i++) if (topic[i] !== bytes[i]) return false;
    return true;
  }
}
