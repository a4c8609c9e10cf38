/** Removes records from the middle of a stream, one chunk per turn. */
import { type Chunk, keptRecords } from "./chunk.ts";
import type { ChunkInfo } from "./chunk_index.ts";
import type { HoldingHost } from "./held_chunks.ts";
import { RecordView } from "./record.ts";
import type { Retention } from "./retention.ts";
import type { StreamChunks } from "./stream_chunks.ts";
import type { StreamTopics } from "./stream_topics.ts";
import type { Surroundings } from "./surroundings.ts";
import { TopicMemo } from "./topic_memo.ts";

/** The interface of a stream that the cleaner needs. */
export interface CleanedLog {
  readonly id: number;
  readonly chunks: StreamChunks;
  readonly topics: StreamTopics;
  readonly retention: Required<Retention>;
  readonly firstKnown: number;
  readonly isEnded: boolean;
  seal(): void;
}

/**
 * Removes records that are not at the start of a stream: those of messages that are no longer kept,
 * and those of a purge. It writes each chunk again without them, one chunk per turn.
 */
export class ChunkCleaner {
  readonly #log: CleanedLog;
  readonly #host: Surroundings & HoldingHost;
  readonly #onCleaned: () => void;
  readonly #memo = new TopicMemo(null);
  readonly #record = new RecordView();
  #isRunning = false;
  /** Settles when the current work is done. */
  over: Promise<void> = Promise.resolve();

  /** @param onCleaned Called with each chunk from which records were removed. */
  constructor(log: CleanedLog, host: Surroundings & HoldingHost, onCleaned: () => void) {
    this.#log = log;
    this.#host = host;
    this.#onCleaned = onCleaned;
  }

  /** Starts to clean chunks, if there are any. */
  wake(): void {
    if (this.#isRunning || this.#log.topics.kept === null || this.#next() === null) return;
    this.#isRunning = true;
    this.over = this.#run().catch((error) => {
      // The next start goes on.
      if (this.#host.references?.isClosing !== true) this.#host.reportError(error);
    });
  }

  /**
   * Removes matching messages anywhere in the stream. No reader gets them any more.
   *
   * @param isPurged Whether a message with a topic and a sequence is to be removed.
   * @param before The sequence in front of which all of them are.
   * @param whenStored Waits for the commit that holds what was done by now.
   */
  async purge(
    isPurged: (topic: string, seq: number) => boolean,
    before: number,
    whenStored: () => Promise<void>,
  ): Promise<void> {
    // What the store has not yet is not removed from it.
    this.#log.seal();
    await whenStored();
    await this.#purge(isPurged, before);
    this.#onCleaned();
    await whenStored();
  }

  async #purge(isPurged: (topic: string, seq: number) => boolean, before: number): Promise<void> {
    const { chunks } = this.#log;
    for (let seq = 1; seq < before;) {
      const info = chunks.infoAt(seq);
      if (info === undefined || info.first >= before || this.#log.isEnded) return;
      await this.#copyOut(info);
      const chunk = await chunks.whole(info);
      if (chunk !== null) {
        this.#clean(info, chunk, (topic, at) => at < before && isPurged(topic, at));
      }
      seq = info.last + 1;
      await this.#host.pause();
    }
  }

  /** Copies the messages of a chunk to all who refer to them. */
  async #copyOut(info: ChunkInfo): Promise<void> {
    const { first, last, refs } = info;
    if (refs === null || this.#host.references === null) return;
    await this.#host.references.copy(this.#log.id, { first, last, refs });
    info.refs = null;
  }

  #next(): ChunkInfo | null {
    const { chunks, retention } = this.#log;
    return chunks.toClean(chunks.bytes > retention.maxBytes);
  }

  async #run(): Promise<void> {
    const { chunks, topics } = this.#log;
    try {
      for (let info = this.#next(); info !== null; info = this.#next()) {
        await this.#host.pause();
        await this.#copyOut(info);
        if (this.#log.isEnded || topics.kept === null) return;
        const chunk = await chunks.whole(info);
        if (chunk !== null) this.#clean(info, chunk, () => false);
        else chunks.giveUp(info);
      }
    } finally {
      this.#isRunning = false;
    }
  }

  /** Writes a chunk again without the records that are not kept or are purged. */
  #clean(info: ChunkInfo, chunk: Chunk, isPurged: (topic: string, seq: number) => boolean): void {
    const { chunks, firstKnown: first } = this.#log;
    const topics = this.#log.topics.kept;
    const record = this.#record;
    const nowMs = this.#host.now();
    const kept = keptRecords(chunk, (index) => {
      record.read(chunk.view, chunk.bytes, chunk.offset(index));
      const { bytes, topicStart, topicEnd } = record;
      const seq = chunk.seq(index);
      if (record.isRevoked || seq < first) return topics === null;
      const { name } = this.#memo.find(bytes, topicStart, topicEnd);
      if (isPurged(name, seq)) topics?.remove(name, seq);
      else if (topics !== null && !topics.keeps(name, seq)) topics.onCleaned(name, nowMs);
      else return true;
      return false;
    });
    if (kept === null) return chunks.giveUp(info);
    chunks.replace(info, kept.bytes, kept.count);
    this.#onCleaned();
  }
}
