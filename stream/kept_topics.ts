/** Which messages of each topic a stream keeps. */

/** How long an empty message stays that has deleted its topic, in milliseconds. */
export const DELETED_KEPT_MS = 24 * 3_600_000;

/** What a topic costs in memory, beside its name, and each of its messages, in bytes. */
const TOPIC_BYTES = 200;
const MESSAGE_BYTES = 16;

/** How many deleted topics are remembered before those are forgotten that are there again. */
const DELETED_MIN = 64;

/** What is known of one topic. */
interface Topic {
  /** Its messages that are kept, the oldest first: the sequence and the bytes of each. */
  kept: number[];
  /** Records of it that are not kept and that the store may still have. */
  dead: number;
  /** The sequence of the last one of these. */
  deadLast: number;
  /** When the empty message arrived that is its last one; 0 for none. */
  deletedMs: number;
}

/** What a stream keeps of each topic. */
export interface TopicLimits {
  /** How many messages of each topic are kept. */
  readonly perTopic: number;
  /** Whether an empty message deletes what was there of its topic. */
  readonly isCompact: boolean;
}

/**
 * Which messages of each topic a stream keeps: the last ones. What follows from the records alone
 * is not stored: a message is dead when enough later ones of its topic are there. So an empty
 * message that deletes its topic stays as long as the store may have older records of that topic,
 * and at least for a day, so that readers that were away get it.
 */
export class KeptTopics {
  /** How many messages are kept, of those that were looked at. */
  messages = 0;
  /** Bytes of their records. */
  bytes = 0;
  readonly #limits: TopicLimits;
  readonly #died: (seq: number, bytes: number) => void;
  readonly #topics = new Map<string, Topic>();
  /** Topics that were deleted, the oldest first. */
  #deleted: { readonly name: string; readonly seq: number; readonly timeMs: number }[] = [];
  /** Messages in front of this sequence were not looked at yet. */
  #from: number;

  /**
   * @param from Messages in front of this sequence are {@linkcode scan}ned, the last one first.
   * @param died Told of each message that is not kept any more: its sequence, and its bytes.
   */
  constructor(limits: TopicLimits, from: number, died: (seq: number, bytes: number) => void) {
    this.#limits = limits;
    this.#from = from;
    this.#died = died;
  }

  /** How many topics there are. */
  get size(): number {
    return this.#topics.size;
  }

  /** What it costs in memory, in bytes. */
  get memoryBytes(): number {
    return this.#topics.size * TOPIC_BYTES + this.messages * MESSAGE_BYTES;
  }

  /** Whether an empty message deletes what was there of its topic. */
  get isCompact(): boolean {
    return this.#limits.isCompact;
  }

  /** Whether these are its limits. */
  hasLimits({ perTopic, isCompact }: TopicLimits): boolean {
    return this.#limits.perTopic === perTopic && this.#limits.isCompact === isCompact;
  }

  /** Whether a message is kept whose record was found. */
  keeps(name: string, seq: number): boolean {
    if (seq < this.#from) return true;
    const oldest = this.#topics.get(name)?.kept[0];
    return oldest !== undefined && seq >= oldest;
  }

  /** A message was stored. */
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

  /** A record was found that is older than all that were looked at. */
  scan(name: string, seq: number, bytes: number, timeMs: number, isEmpty: boolean): void {
    this.#from = seq;
    const topic = this.#topic(name);
    if (topic.kept.length >= 2 * this.#limits.perTopic) {
      topic.dead++;
      topic.deadLast = Math.max(topic.deadLast, seq);
      return this.#died(seq, bytes);
    }
    topic.kept.unshift(seq, bytes);
    this.#count(1, bytes);
    if (!isEmpty || !this.isCompact) return;
    topic.deletedMs = timeMs;
    this.#deleted.push({ name, seq, timeMs });
  }

  /** All records were looked at. */
  scanned(): void {
    this.#from = 0;
    this.#deleted.sort((a, b) => a.seq - b.seq);
  }

  /** Lets empty messages go that have stayed long enough. */
  expire(nowMs: number): void {
    let over = 0;
    for (const { name, seq, timeMs } of this.#deleted) {
      if (timeMs + DELETED_KEPT_MS > nowMs) break;
      over++;
      const topic = this.#topics.get(name);
      if (topic?.kept[0] === seq) this.#bury(name, topic);
    }
    if (over > 0) this.#deleted.splice(0, over);
  }

  /** The record of a message is gone: a limit has dropped it, or somebody has purged it. */
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

  /** The record of a message that was not kept is gone. */
  cleaned(name: string, nowMs: number): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    topic.dead = Math.max(0, topic.dead - 1);
    const { deletedMs } = topic;
    if (deletedMs > 0 && deletedMs + DELETED_KEPT_MS <= nowMs) this.#bury(name, topic);
  }

  /** Everything in front of a sequence is gone. */
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

  /** Topics that were deleted many times, or are there again, are in the queue once, or not at all. */
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
    this.#died(seq!, bytes!);
  }

  /** Nothing of a deleted topic is needed any more, unless the store may have older records. */
  #bury(name: string, topic: Topic): void {
    if (topic.dead > 0) return;
    this.#kill(topic);
    this.#topics.delete(name);
  }

  #count(messages: number, bytes: number): void {
    this.messages += messages;
    this.bytes += messages * bytes;
  }
}
