/** The position of one reader in a stream. */
import type { Chunk } from "./chunk.ts";
import { RecordView, timeOf } from "./record.ts";
import type { StreamLog } from "./stream_log.ts";
import { type KnownTopic, NO_TOPIC, TopicMemo } from "./topic_memo.ts";

/** The limit of the messages that one call of `next` passes over. */
const PASSED_MAX = 256;
/** The result of {@linkcode StreamCursor.next}. */
export type Found =
  /** A message. It is in `record`, and its sequence in `seq`. */
  | "message"
  /** No message up to here. There may be more. The caller should let other work run first. */
  | "busy"
  /** The next chunk is not in memory. {@linkcode StreamCursor.load} reads it. */
  | "unloaded"
  /** The end of the stream, for now. */
  | "end";

/**
 * The position of one reader in a stream. It holds no messages. What it has skipped is public:
 * readers report it and reset it. The position of a new cursor is set by `resolve_position.ts`.
 */
export class StreamCursor {
  /** The message that was found. Borrowed: valid until the next call, and not across an `await`. */
  readonly record: RecordView = new RecordView();
  /** Its sequence. */
  seq = 0;
  /** The number of missed messages: dropped by a limit, lost by the store, or never stored. */
  missed = 0;
  /** The missed sequences that were not reported yet; `null` for none. The reporter sets `null`. */
  gap: { from: number; to: number } | null = null;
  /** Messages that arrived before this time are passed over, in milliseconds since 1970. */
  sinceMs = -Infinity;
  /**
   * Single sequences that are read before everything else, in descending order: the next one is at
   * the end of the array. `null` for none.
   */
  chosen: number[] | null = null;
  /** An empty message that has deleted its topic is read from this sequence on. */
  deletedFrom: number;
  readonly #log: StreamLog;
  readonly #memo: TopicMemo;
  #topic: KnownTopic = NO_TOPIC;
  /** The full chunk of the position; `null` for the open one, and after {@linkcode release}. */
  #chunk: Chunk | null = null;
  #chunkLast = 0;
  #version = 0;
  /** How many chunks it has read. */
  #loads = 0;
  #at: number;

  /**
   * @param at The sequence of the first message.
   * @param filter The topic filter; `null` for all topics.
   */
  constructor(log: StreamLog, at: number, filter: string | null) {
    this.#log = log;
    this.#at = at;
    this.#memo = new TopicMemo(filter);
    this.deletedFrom = at;
  }

  /** The sequence that is read next. */
  get at(): number {
    return this.chosen?.at(-1) ?? this.#at;
  }

  /** The sequence that is read after the chosen ones. */
  get following(): number {
    return this.#at;
  }

  /** Removes the chosen sequences before `seq`: those messages were read, or are gone. */
  skipChosen(at: number): void {
    this.chosen = this.chosen?.filter((seq) => seq >= at) ?? null;
    if (this.chosen?.length === 0) this.chosen = null;
    const first = Math.min(this.#log.first, this.#at);
    if (at < first) this.gap = { from: at, to: first - 1 };
  }

  /** Looks for the next message. */
  next(): Found {
    const log = this.#log;
    const { first, stored, cutoffMs, chunks } = log;
    const minMs = Math.max(this.sinceMs, cutoffMs + 1);
    for (let passed = 0; passed < PASSED_MAX; passed++) {
      const { at } = this;
      if (at < first) {
        this.miss(at, Math.min(first, stored + 1) - 1);
        if (this.chosen === null) this.#at = first;
        else this.#taken();
        continue;
      }
      if (at > stored) return "end";
      const chunk = this.#chunk !== null && at >= this.#chunk.first && at <= this.#chunkLast &&
          this.#version === chunks.version && !this.#chunk.isFreed
        ? this.#chunk
        : this.#hold(chunks.at(at));
      if (chunk === "unloaded") return "unloaded";
      if (chunk === null) this.#skipTo(stored + 1);
      else if (this.#look(chunk, at, stored, minMs)) return "message";
    }
    return "busy";
  }

  /**
   * Passes over the messages of the current chunk that arrived before `sinceMs`, if it is loaded.
   */
  skipOlder(): void {
    const chunk = this.#log.chunks.at(this.#at);
    if (chunk === null || chunk === "unloaded") return;
    for (let index = chunk.indexOf(this.#at); index < chunk.count; index++) {
      this.#at = chunk.seq(index);
      if (timeOf(chunk.view, chunk.offset(index)) >= this.sinceMs) return;
    }
    this.#at = chunk.seq(chunk.count - 1) + 1;
  }

  /**
   * Reads the chunk that {@linkcode next} did not find in memory.
   *
   * @throws {StoreError} If the store cannot be read.
   */
  async load(): Promise<void> {
    const { at } = this;
    // Who reads on needs the next chunks, too; what was chosen is here and there.
    const isAhead = this.#loads++ > 0 && this.chosen === null;
    if (await this.#log.chunks.prepare(at, isAhead)) return;
    // If the store has lost the chunk, its messages are missed.
    const end = this.#log.chunks.endOf(at);
    if (this.chosen !== null || this.#log.topics.kept === null) return this.#skipTo(end);
    this.miss(at, end - 1);
    this.#at = end;
  }

  /** The client identifier of the publisher; `null` if it is not known. */
  get publisher(): string | null {
    return this.record.publisher;
  }

  /** Releases the current chunk, so that a waiting reader does not keep it in memory. */
  release(): void {
    this.#chunk = null;
    this.record.letGo();
  }

  #hold(chunk: Chunk | null | "unloaded"): Chunk | null | "unloaded" {
    const isFull = chunk !== null && chunk !== "unloaded" && chunk !== this.#log.chunks.open;
    this.#chunk = isFull ? chunk : null;
    this.#version = this.#log.chunks.version;
    if (isFull) this.#chunkLast = chunk.seq(chunk.count - 1);
    return chunk;
  }

  /** Reads the first message of a chunk from `at` on. Returns whether the reader gets it. */
  #look(chunk: Chunk, at: number, stored: number, minMs: number): boolean {
    const index = chunk.indexOf(at);
    if (index >= chunk.count) {
      this.#skipTo(this.#log.chunks.endOf(at));
      return false;
    }
    const seq = chunk.seq(index);
    if (seq > stored) {
      this.#skipTo(stored + 1);
      return false;
    }
    if (seq > at) {
      this.#skipTo(seq);
      return false;
    }
    this.#taken();
    const offset = chunk.offset(index);
    if (timeOf(chunk.view, offset) < minMs) return false;
    this.record.read(chunk.view, chunk.bytes, offset);
    this.seq = seq;
    return !this.record.isRevoked && this.#isWanted();
  }

  /** Moves on after the message at `at`. */
  #taken(): void {
    if (this.chosen === null) this.#at++;
    else {
      this.chosen.pop();
      if (this.chosen.length === 0) this.chosen = null;
    }
  }

  /** There is nothing between the position and `seq`. */
  #skipTo(seq: number): void {
    if (this.chosen !== null) {
      // What was chosen may be no longer the last of its topic.
      if (this.#log.topics.kept === null) this.miss(this.at, this.at);
      return this.#taken();
    }
    if (this.#log.topics.kept === null) this.miss(this.#at, seq - 1);
    else {
      // Where later messages take the place of earlier ones, only those that were never stored are
      // a gap.
      this.#log.skipped.within(this.#at, seq - 1, (from, to) => this.miss(from, to));
    }
    this.#at = Math.max(this.#at + 1, seq);
  }

  /** Messages with these sequences, both included, are missed. */
  miss(from: number, to: number): void {
    if (to < from) return;
    // Between chosen sequences there are messages that were not asked for, so they are no gap.
    if (this.chosen !== null) to = from;
    this.missed += to - from + 1;
    this.gap = { from: this.gap?.from ?? from, to };
  }

  /** Whether the message in `record` is one that the reader wants. */
  #isWanted(): boolean {
    const { bytes, topicStart, topicEnd, payloadStart, payloadEnd } = this.record;
    const topic = this.#topic = this.#memo.find(bytes, topicStart, topicEnd);
    if (!topic.isMatch) return false;
    const topics = this.#log.topics.kept;
    if (topics === null) return true;
    if (!topics.keeps(topic.name, this.seq)) return false;
    // Who begins later is not told what was deleted before.
    return !topics.isCompact || payloadStart < payloadEnd || this.seq >= this.deletedFrom;
  }

  /** The topic of the message. */
  get topic(): string {
    return this.#topic.name;
  }

  /** The topic of the message, with what is known about it. */
  get knownTopic(): KnownTopic {
    return this.#topic;
  }
}
