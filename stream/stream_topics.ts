/** Finds out the topics of a stream from its records. */
import type { Chunk } from "./chunk.ts";
import { KeptTopics } from "./kept_topics.ts";
import { RecordView } from "./record.ts";
import type { Retention } from "./retention.ts";
import type { StreamChunks } from "./stream_chunks.ts";
import type { Surroundings } from "./surroundings.ts";
import { TopicMemo } from "./topic_memo.ts";

/** What is needed of the stream. */
export interface TopicsLog {
  readonly chunks: StreamChunks;
  readonly firstKnown: number;
  readonly stored: number;
  readonly isEnded: boolean;
  trim(): void;
}

/** The topics of a stream that keeps so many messages of each: found out from its records. */
export class StreamTopics {
  /** Which messages are kept; `null` if that is all of them. */
  kept: KeptTopics | null = null;
  /** Settles when all messages were looked at that were there when it was declared. */
  ready: Promise<void> = Promise.resolve();
  readonly #log: TopicsLog;
  readonly #host: Surroundings;
  readonly #memo = new TopicMemo(null);
  readonly #record = new RecordView();

  constructor(log: TopicsLog, host: Surroundings) {
    this.#log = log;
    this.#host = host;
  }

  /** What it costs in memory, in bytes. */
  get memoryBytes(): number {
    return this.kept?.memoryBytes ?? 0;
  }

  /** Keeps so many messages of each topic from now on. */
  limit({ maxPerTopic, compact }: Required<Retention>): void {
    const isCompact = compact === "topic";
    const limits = { perTopic: isCompact ? 1 : maxPerTopic, isCompact };
    if (limits.perTopic === Infinity) this.kept = null;
    else if (!this.kept?.hasLimits(limits)) {
      const { chunks, stored } = this.#log;
      const died = (seq: number, bytes: number) => chunks.died(seq, bytes);
      this.kept = new KeptTopics(limits, stored + 1, died);
      this.ready = this.#scan(this.kept);
      // Whoever declares it waits for it.
      this.ready.catch(() => {});
    }
  }

  /** Takes the messages from a sequence on that were just stored: they are in memory. */
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

  /** A limit has dropped a record of a chunk. */
  removed(chunk: Chunk, index: number): void {
    this.#read(chunk, index);
    if (!this.#record.isRevoked) this.kept?.remove(this.#name, chunk.seq(index));
  }

  /** Lets empty messages go that have stayed long enough. */
  expire(): void {
    this.kept?.expire(this.#host.now());
  }

  /** Looks at all messages that are stored, the last one first, a chunk in a turn. */
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
    kept.scanned();
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
