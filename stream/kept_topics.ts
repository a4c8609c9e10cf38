/** Which messages of each topic a stream keeps. */

/** The minimum time that an empty message which deletes its topic is kept, in milliseconds. */
const DELETED_KEPT_MS = 24 * 3_600_000;

/** Memory of a topic without its name, and of each of its messages, in bytes. */
const TOPIC_BYTES = 200;
const MESSAGE_BYTES = 16;

/** The size at which the queue of deleted topics is cleared of topics that have messages again. */
const DELETED_MIN = 64;

/** The state of one topic. */
interface Topic {
  /** The kept messages, oldest first: the sequence and the bytes of each. */
  kept: number[];
  /** The number of records that are not kept but may still be in the store. */
  dead: number;
  /** The highest sequence of these records. */
  deadLast: number;
  /** When the last message arrived, if it is empty; 0 otherwise. */
  deletedMs: number;
}

/** The limits by topic of a stream. */
export interface TopicLimits {
  /** The number of messages that are kept of each topic. */
  readonly perTopic: number;
  /** Whether an empty message deletes the earlier messages of its topic. */
  readonly isCompact: boolean;
}

/**
 * Which messages of each topic a stream keeps: the last ones. This is not stored, because the
 * records tell it: a message is dead when there are enough later ones of its topic. Therefore an
 * empty message that deletes its topic is kept as long as the store may have older records of that
 * topic, and at least for a day, so that readers that were disconnected get it.
 */
export class KeptTopics {
  /** The number of kept messages among those that were read. */
  messages = 0;
  /** The bytes of their records. */
  bytes = 0;
  readonly #limits: TopicLimits;
  readonly #countDead: (seq: number, bytes: number) => void;
  readonly #topics = new Map<string, Topic>();
  /** Deleted topics, in the order of their deletion. */
  #deleted: { readonly name: string; readonly seq: number; readonly timeMs: number }[] = [];
  /** Messages before this sequence were not read yet. */
  #from: number;

  /**
   * @param from Messages before this sequence are {@linkcode scan}ned, the last one first.
   * @param countDead Called with the sequence and bytes of each message that is no longer kept.
   */
  constructor(limits: TopicLimits, from: number, countDead: (seq: number, bytes: number) => void) {
    this.#limits = limits;
    this.#from = from;
    this.#countDead = countDead;
  }

  /** The number of topics. */
  get size(): number {
    return this.#topics.size;
  }

  /** Memory of all topics, in bytes. */
  get memoryBytes(): number {
    return this.#topics.size * TOPIC_BYTES + this.messages * MESSAGE_BYTES;
  }

  /** Whether an empty message deletes the earlier messages of its topic. */
  get isCompact(): boolean {
    return this.#limits.isCompact;
  }

  /** Whether the limits are equal to these. */
  hasLimits({ perTopic, isCompact }: TopicLimits): boolean {
    return this.#limits.perTopic === perTopic && this.#limits.isCompact === isCompact;
  }

  /** Whether the message of a record is kept. */
  keeps(name: string, seq: number): boolean {
    if (seq < this.#from) return true;
    const oldest = this.#topics.get(name)?.kept[0];
    return oldest !== undefined && seq >= oldest;
  }

  /** Adds a message that was stored. */
  add(name: string, seq: number, bytes: number, timeMs: number, isEmpty: boolean): void {
    const topic = this.#topic(name);
    topic.kept.push(seq, bytes);
    topic.deletedMs = 0;
    this.#count(1, bytes);
    if (isEmpty && this.isCompact) {
      topic.deletedMs = timeMs;
      this.#forgetRevived();
      this.#deleted.push({ name, seq, timeMs });
    }
    while (topic.kept.length > 2 * this.#limits.perTopic) this.#kill(topic);
  }

  /** Adds a record that is older than all that were read before. */
  scan(name: string, seq: number, bytes: number, timeMs: number, isEmpty: boolean): void {
    this.#from = seq;
    const topic = this.#topic(name);
    if (topic.kept.length >= 2 * this.#limits.perTopic) {
      topic.dead++;
      topic.deadLast = Math.max(topic.deadLast, seq);
      return this.#countDead(seq, bytes);
    }
    topic.kept.unshift(seq, bytes);
    this.#count(1, bytes);
    if (!isEmpty || !this.isCompact) return;
    topic.deletedMs = timeMs;
    this.#deleted.push({ name, seq, timeMs });
  }

  /** Ends the scan: all records were read. */
  onScanned(): void {
    this.#from = 0;
    this.#deleted.sort((a, b) => a.seq - b.seq);
  }

  /** Drops empty messages that were kept long enough. */
  expire(nowMs: number): void {
    let over = 0;
    for (const { name, seq, timeMs } of this.#deleted) {
      if (timeMs + DELETED_KEPT_MS > nowMs) break;
      over++;
      const topic = this.#topics.get(name);
      if (topic?.kept[0] === seq) this.#forgetDeleted(name, topic);
    }
    if (over > 0) this.#deleted.splice(0, over);
  }

  /** Removes a message whose record was dropped by a limit or purged. */
  remove(name: string, seq: number): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    let at = topic.kept[0] === seq ? 0 : topic.kept.indexOf(seq);
    // A number of bytes may be the same.
    while (at % 2 === 1) at = topic.kept.indexOf(seq, at + 1);
    if (at < 0) {
      topic.dead = Math.max(0, topic.dead - 1);
      return;
    }
    const [, bytes] = topic.kept.splice(at, 2);
    this.#count(-1, bytes!);
    if (topic.kept.length === 0) this.#topics.delete(name);
  }

  /** Counts the removal of a record that was not kept. */
  onCleaned(name: string, nowMs: number): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    topic.dead = Math.max(0, topic.dead - 1);
    const { deletedMs } = topic;
    if (deletedMs > 0 && deletedMs + DELETED_KEPT_MS <= nowMs) this.#forgetDeleted(name, topic);
  }

  /** Removes all messages before a sequence. */
  dropTo(first: number): void {
    for (const [name, topic] of this.#topics) {
      while (topic.kept.length > 0 && topic.kept[0]! < first) {
        const [, bytes] = topic.kept.splice(0, 2);
        this.#count(-1, bytes!);
      }
      if (topic.deadLast < first) topic.dead = 0;
      if (topic.kept.length === 0) this.#topics.delete(name);
    }
  }

  /** Clears the queue of topics that have messages again, and of repeated entries. */
  #forgetRevived(): void {
    if (this.#deleted.length < 2 * this.#topics.size + DELETED_MIN) return;
    this.#deleted = this.#deleted.filter(({ name, seq }) =>
      this.#topics.get(name)?.kept[0] === seq
    );
  }

  #topic(name: string): Topic {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = { kept: [], dead: 0, deadLast: 0, deletedMs: 0 };
      this.#topics.set(name, topic);
    }
    return topic;
  }

  #kill(topic: Topic): void {
    const [seq, bytes] = topic.kept.splice(0, 2);
    topic.dead++;
    topic.deadLast = seq!;
    this.#count(-1, bytes!);
    this.#countDead(seq!, bytes!);
  }

  /** Removes a deleted topic, unless the store may still have older records of it. */
  #forgetDeleted(name: string, topic: Topic): void {
    if (topic.dead > 0) return;
    this.#kill(topic);
    this.#topics.delete(name);
  }

  #count(messages: number, bytes: number): void {
    this.messages += messages;
    this.bytes += messages * bytes;
  }
}
