import { copyBytes } from "../../codec/fields.ts";
import { parseSharedFilter } from "../../router/topic.ts";

/** The longest topic there can be, in bytes (MQTT 5 §1.5.4). */
const TOPIC_BYTES_MAX = 65_535;

const encoder = new TextEncoder();

/**
 * Where the topics of a listener's clients lie among all topics: a prefix that
 * is put before what they name, and taken off what they are sent. They see
 * nothing beside it.
 */
export class MountPoint {
  /** What is put before a topic. */
  readonly prefix: string;
  /** The same in UTF-8. */
  readonly bytes: Uint8Array;
  /** Holds the topic that was mounted last; it is used up before the next. */
  #scratch: Uint8Array = new Uint8Array(256);

  /** @throws {RangeError} If the prefix is empty, or no topic could begin with it. */
  constructor(prefix: string) {
    this.prefix = prefix;
    this.bytes = encoder.encode(prefix);
    const isTopic = !/[+#\0]/.test(prefix) && prefix.isWellFormed();
    if (prefix === "" || !isTopic || this.bytes.length >= TOPIC_BYTES_MAX) {
      throw new RangeError(`Cannot use mountPoint: no topic begins with ${JSON.stringify(prefix)}`);
    }
  }

  /** A topic as the broker knows it. */
  topic(name: string): string {
    return this.prefix + name;
  }

  /** A topic as clients know it, given as the broker does. */
  told(name: string): string {
    return name.slice(this.prefix.length);
  }

  /** A filter as the broker knows it; the name of a shared group stays in front. */
  filter(filter: string): string {
    const shared = parseSharedFilter(filter);
    if (shared === null) return this.prefix + filter;
    return `$share/${shared.group}/${this.prefix}${shared.filter}`;
  }

  /**
   * The topic in `bytes[start, end)` as the broker knows it.
   *
   * @returns Bytes that are valid until the next call; `null` if it is empty or becomes too long.
   */
  mounted(bytes: Uint8Array, start: number, end: number): Uint8Array | null {
    const prefix = this.bytes.length;
    const length = prefix + end - start;
    if (start === end || length > TOPIC_BYTES_MAX) return null;
    if (this.#scratch.length < length) this.#scratch = new Uint8Array(TOPIC_BYTES_MAX);
    this.#scratch.set(this.bytes);
    copyBytes(bytes, start, end, this.#scratch, prefix);
    return this.#scratch.subarray(0, length);
  }

  /** Whether a topic is longer than can be told. */
  isTooLong(name: string): boolean {
    return this.bytes.length + encoder.encode(name).length > TOPIC_BYTES_MAX;
  }

  /** Whether a topic, as the broker knows it, is one that clients can be told. */
  holds(topic: Uint8Array): boolean {
    const { bytes } = this;
    if (topic.length <= bytes.length) return false;
    for (let i = 0; i < bytes.length; i++) if (topic[i] !== bytes[i]) return false;
    return true;
  }
}
