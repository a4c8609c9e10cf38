/** Finds out the topics of a stream from its records. */
import type { Chunk } from "./chunk.ts";
import { KeptTopics } from "./kept_topics.ts";
import { RecordView } from "./record.ts";
import type { Retention } from "./retention.ts";
import type { StreamChunks } from "./stream_chunks.ts";
import type { Surroundings } from "./surroundings.ts";
import { TopicMemo } from "./topic_memo.ts";

/** The interface of a stream that is needed here. */
export interface TopicsLog {
  readonly chunks: StreamChunks;
  readonly firstKnown: number;
  readonly stored: number;
  readonly isEnded: boolean;
  trim(): void;
}

/** The topics of a stream with a limit by topic. It learns them from the records of the stream. */
export class StreamTopics {
  /** The kept messages; `null` if all messages are kept. */
  kept: KeptTopics | null = null;
  /** Settles when all messages that existed at the declaration were read. */
  ready: Promise<void> = Promise.resolve();
  readonly #log: TopicsLog;
  readonly #host: Surroundings;
  readonly #memo = new TopicMemo(null);
  readonly #record = new RecordView();

  constructor(log: TopicsLog, host: Surroundings) {
    this.#log = log;
    this.#host = host;
  }

  /** Memory of the topics, in bytes. */
  get memoryBytes(): number {
    return this.kept?.memoryBytes ?? 0;
  }

  /** Changes the number of messages that are kept of each topic. */
  limit({ maxPerTopic, compact }: Required<Retention>): void {
    const isCompact = compact === "topic";
    const limits = { perTopic: isCompact ? 1 : maxPerTopic, isCompact };
    if (limits.perTopic === Infinity) this.kept = null;
    else if (!this.kept?.hasLimits(limits)) {
      const { chunks, stored } = this.#log;
      const countDead = (seq: number, bytes: number) => chunks.countDead(seq, bytes);
      this.kept = new KeptTopics(limits, stored + 1, countDead);
      this.ready = this.#scan(this.kept);
      // The caller that declares the stream gets this error.
      this.ready.catch(() => {});
    }
  }

  /** Adds the messages from a sequence on, which were just stored and are still in memory. */
  take(from: number): void {
    const { kept } = this;
    if (kept === null) return;
    const { chunks, stored } = this.#log;
    for (let seq = from; seq <= stored;) {
      const chunk = chunks.at(seq);
      if (chunk === null || chunk === "unloaded") break;
      for (let index = chunk.indexOf(seq); index < chunk.count; index++) {
        const at = chunk.seq(index);
        if (at > stored) break;
        const bytes = this.#read(chunk, index);
        if (!this.#record.isRevoked) {
          kept.add(this.#name, at, bytes, this.#record.timeMs, this.#isEmpty);
        }
      }
      seq = chunks.endOf(seq);
    }
    this.#log.trim();
  }

  /** Removes a record that was dropped by a limit. */
  onRemoved(chunk: Chunk, index: number): void {
    this.#read(chunk, index);
    if (!this.#record.isRevoked) this.kept?.remove(this.#name, chunk.seq(index));
  }

  /** Drops empty messages that were kept long enough. */
  expire(): void {
    this.kept?.expire(this.#host.now());
  }

  /** Reads all stored messages, the last one first, one chunk per turn. */
  async #scan(kept: KeptTopics): Promise<void> {
    const { chunks, stored } = this.#log;
    let before = stored + 1;
    for (let start = chunks.before(before); start !== null; start = chunks.before(before)) {
      if (this.kept !== kept || this.#log.isEnded) return;
      const info = chunks.infoAt(start);
      const chunk = info?.first === start ? await chunks.whole(info) : chunks.open;
      if (chunk !== null) this.#scanChunk(kept, chunk, before);
      before = start;
      if (start <= this.#log.firstKnown) break;
      await this.#host.pause();
    }
    kept.onScanned();
    this.#log.trim();
  }

  #scanChunk(kept: KeptTopics, chunk: Chunk, before: number): void {
    const { firstKnown } = this.#log;
    for (let index = chunk.indexOf(before) - 1; index >= 0; index--) {
      const seq = chunk.seq(index);
      if (seq < firstKnown) return;
      const bytes = this.#read(chunk, index);
      if (this.#record.isRevoked) continue;
      kept.scan(this.#name, seq, bytes, this.#record.timeMs, this.#isEmpty);
    }
  }

  /** Reads a record. Returns its size, in bytes. */
  #read(chunk: Chunk, index: number): number {
    const at = chunk.offset(index);
    this.#record.read(chunk.view, chunk.bytes, at);
    return this.#record.payloadEnd - at;
  }

  get #name(): string {
    const { bytes, topicStart, topicEnd } = this.#record;
    return this.#memo.find(bytes, topicStart, topicEnd).name;
  }

  get #isEmpty(): boolean {
    return this.#record.payloadStart === this.#record.payloadEnd;
  }
}
