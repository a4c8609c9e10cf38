/** A stream: appends, reads, retention and storage. */
import type { Batch } from "../store/batch.ts";
import { RecordWriter } from "../store/record.ts";
import type { Store } from "../store/store.ts";
import { ChunkCleaner } from "./chunk_cleaner.ts";
import type { ChunkCache } from "./chunk_cache.ts";
import type { HoldingHost } from "./held_chunks.ts";
import type { FrameRun } from "./frame_run.ts";
import type { StreamInput } from "./record.ts";
import { checkRetention, KEPT, reachesIntoChunks, type Retention } from "./retention.ts";
import type { SkippedMessages } from "./skipped_messages.ts";
import type { StoredStream } from "./stored_stream.ts";
import { StreamChunks } from "./stream_chunks.ts";
import { StreamGroups } from "./stream_groups.ts";
import { StreamTopics } from "./stream_topics.ts";
import type { Surroundings } from "./surroundings.ts";
import { trimStream, trimTopics } from "./trim.ts";
import { StreamWaiters } from "./stream_waiters.ts";
import { putStream, removeChunks, removeStream } from "./stream_row.ts";

/** Commits the changes of streams to their store. */
export interface StreamCommits {
  /**
   * Marks a stream as changed. The next commit calls its {@linkcode StreamLog.write}, and then
   * {@linkcode StreamLog.onCommitted} or {@linkcode StreamLog.onWriteFailed}; one runs at a time.
   */
  markChanged(log: StreamLog): void;
}

/** The interface of the store, clock and error reports that a stream needs. */
export interface StreamLogHost extends Surroundings, HoldingHost {
  readonly store: Store;
  readonly commits: StreamCommits;
  readonly cache: ChunkCache;
}

/**
 * A stream: messages with the sequences 1, 2, 3 … No sequence is used twice, also after messages
 * were dropped. docs/streams.md describes the design.
 */
export class StreamLog {
  readonly name: string;
  readonly id: number;
  /** The declaration of the stream, in the form of its owner. */
  declaration: string;
  /** The messages. */
  readonly chunks: StreamChunks;
  /** Who reads it together, and how far each group has come. */
  readonly groups: StreamGroups;
  readonly #host: StreamLogHost;
  readonly #writer = new RecordWriter();
  #retention: Required<Retention>;
  #first: number;
  #last: number;
  #stored: number;
  /** Which messages of each topic are kept. */
  readonly topics: StreamTopics;
  /** The messages that could not be stored. */
  readonly skipped: SkippedMessages;
  /** Removes messages from the middle of the stream. */
  readonly cleaner: ChunkCleaner;
  /** The state that the current commit writes; `null` for no commit. */
  #written: { next: number; needed: number; version: number } | null = null;
  /** Counts changes of the stream itself. Without one, a commit writes only the groups. */
  #version = 0;
  #storedVersion = 0;
  /** The sequence before which the store has no chunks any more. */
  #removedTo = 0;
  /** Whether the commit that is being written refers to messages; set by `refer()`. */
  isReferred = false;
  /** Woken once, when there is more to read or the stream is removed. */
  readonly waiters: StreamWaiters = new StreamWaiters();
  #isWriting = false;
  #isRemoved = false;
  #isEnded = false;

  /** Use `StreamTable`. */
  constructor(host: StreamLogHost, stored: StoredStream, retention: Retention) {
    const { name, row, open, groups } = stored;
    this.name = name;
    this.id = row.id;
    this.declaration = row.declaration;
    this.skipped = row.skipped;
    this.#host = host;
    this.#retention = checkRetention(retention);
    open.lastTimeMs = Math.max(row.lastTimeMs, open.lastTimeMs);
    this.#last = this.#stored = Math.max(row.last, open.next - 1);
    this.#first = Math.min(row.first, this.#last + 1);
    const onReleased = () => this.#markChanged();
    this.chunks = new StreamChunks(row.id, host, stored, () => this.#onHeadsLoaded(), onReleased);
    open.refs = row.refs;
    this.topics = new StreamTopics(this, host);
    this.cleaner = new ChunkCleaner(this, host, () => {
      this.#onHeadsLoaded();
      this.#markChanged();
    });
    this.#readHeads();
    this.groups = new StreamGroups(row.id, groups, () => host.commits.markChanged(this));
  }

  /** The sequence of the oldest message that may be read; `last + 1` if there is none. */
  get first(): number {
    this.trim();
    return this.#first;
  }

  /** The same, before the limits are looked at. */
  get firstKnown(): number {
    return this.#first;
  }

  /** The highest sequence; 0 if the stream has never had a message. */
  get last(): number {
    return this.#last;
  }

  /** The sequence of the last message that is on the disk. Readers get no later message. */
  get stored(): number {
    return this.#stored;
  }

  /** How many messages there are, those included that were revoked. */
  get messages(): number {
    this.trim();
    return this.topics.kept?.messages ?? this.chunks.messages;
  }

  /** The size of their records, in bytes. */
  get bytes(): number {
    this.trim();
    return this.topics.kept?.bytes ?? this.chunks.bytes;
  }

  /** When the last message arrived, in milliseconds since 1970; 0 for none. */
  get lastTimeMs(): number {
    return this.chunks.open.lastTimeMs;
  }

  /** Messages that arrived up to this time are too old; `-Infinity` without a limit of age. */
  get cutoffMs(): number {
    const { maxAgeMs } = this.#retention;
    return maxAgeMs === Infinity ? -Infinity : this.#host.now() - maxAgeMs;
  }

  /** Memory of the stream, in bytes: the newest and oldest chunks, the index, and the groups. */
  get memoryBytes(): number {
    return this.chunks.memoryBytes + this.groups.memoryBytes + this.topics.memoryBytes;
  }

  /** Whether it was removed. */
  get isRemoved(): boolean {
    return this.#isRemoved;
  }

  /** The limits of the stream. */
  get retention(): Required<Retention> {
    return this.#retention;
  }

  /** Changes the declaration. Messages beyond the new limits are dropped at once. */
  declare(declaration: string, retention: Retention): void {
    this.#retention = checkRetention(retention);
    this.declaration = declaration;
    this.topics.limit(this.#retention);
    this.trim();
    this.#readHeads();
    this.#markChanged();
  }

  /** Resolves when the declared limits hold. A limit by topic needs a look at every message. */
  async ready(): Promise<void> {
    await this.topics.ready;
    this.cleaner.wake();
  }

  /** Removes all limits until the stream is declared again, so that nothing is dropped. */
  keep(): void {
    this.trim();
    this.#retention = KEPT;
  }

  /**
   * Appends a message. Its bytes are copied. Readers get it when a commit has stored it.
   *
   * @param isRevocable Whether `isRevoked` of the input may still be set, because its publisher
   * waits for the commit. A message that is revoked by then is not given to readers.
   * @returns Its sequence.
   */
  append(input: StreamInput, isRevocable: boolean = input.qos > 0): number {
    this.chunks.append(input, this.#nextTimeMs(), isRevocable);
    return this.#onAppended();
  }

  /** Appends messages that have come together. Their bytes are copied. */
  appendRun(run: FrameRun): void {
    const timeMs = this.#nextTimeMs();
    for (let at = run.start; at < run.end; this.#onAppended()) {
      at = this.chunks.open.appendRun(run, at, timeMs);
    }
  }

  /** Counts a message that cannot be stored. It uses a sequence, so that readers report a gap. */
  skip(): void {
    this.skipped.add(++this.#last, this.#first);
    this.#markChanged();
  }

  /** Drops the messages beyond the limits. */
  trim(): void {
    const topics = this.topics.kept;
    if (topics === null) trimStream(this);
    else trimTopics(this, topics, this.#host.topicsMax());
  }

  /** Drops all messages before a sequence. */
  purge(before: number): void {
    this.dropTo(Math.min(before, this.#last + 1));
    this.topics.kept?.dropTo(this.#first);
    this.#markChanged();
  }

  /** What is appended later goes into another chunk. */
  seal(): void {
    if (this.chunks.open.count > 0) this.#startOver();
    this.#markChanged();
  }

  /** Whether the stream was closed or removed. Nothing can be appended then. */
  get isEnded(): boolean {
    return this.#isEnded || this.#isRemoved;
  }

  /** Closes the stream, and wakes all waiting readers. Resolves when the current work is done. */
  end(): Promise<void> {
    this.#isEnded = true;
    this.waiters.wake();
    return this.cleaner.over;
  }

  /** Removes the stream with all messages. Do not use it afterwards. */
  remove(): void {
    this.#isRemoved = true;
    this.groups.end();
    this.#markChanged();
    this.waiters.wake();
  }

  /** Adds the changes of the stream to a commit. */
  write(batch: Batch): void {
    if (this.#isRemoved) return removeStream(batch, this.name, this.id);
    this.groups.write(batch, this.#writer);
    if (this.#version === this.#storedVersion) return;
    const { isReferred, chunks: { open: { refs } } } = this;
    this.isReferred = false;
    if (!isReferred) this.#trimToWrite();
    this.chunks.write(batch, this.#writer);
    if (isReferred) this.#trimToWrite();
    this.writeRemovals(batch);
    const { id, declaration, lastTimeMs, skipped, chunks: { dropped, needed } } = this;
    const ends = { first: this.#first, last: this.#last };
    const row = { id, ...ends, lastTimeMs, declaration, dropped, skipped, refs };
    putStream(batch, this.#writer, this.name, row);
    this.#written = { next: this.#last + 1, needed, version: this.#version };
  }

  #trimToWrite(): void {
    this.#isWriting = true;
    this.trim();
    this.#isWriting = false;
  }

  /** Whether the store has rows of the stream that must be removed. */
  get hasRemovals(): boolean {
    return this.#isRemoved || this.chunks.needed > this.#removedTo;
  }

  /** Adds only the removal of rows. On a full disk this is committed first, to make room. */
  writeRemovals(batch: Batch): void {
    if (this.#isRemoved) removeStream(batch, this.name, this.id);
    else if (this.chunks.needed > this.#removedTo) removeChunks(batch, this.id, this.chunks.needed);
  }

  /** The commit of the last {@linkcode write} is on the disk. */
  onCommitted(): void {
    if (this.#written === null) return;
    const { next, needed, version } = this.#written;
    this.#written = null;
    this.#storedVersion = version;
    this.#removedTo = needed;
    const from = Math.max(this.#stored + 1, this.#first);
    this.#stored = next - 1;
    this.topics.take(from);
    this.chunks.onCommitted(next);
    this.cleaner.wake();
    this.waiters.wake();
  }

  /** The commit of the last {@linkcode write} has failed. The next commit writes it again. */
  onWriteFailed(): void {
    this.#written = null;
    this.groups.onWriteFailed();
    this.chunks.onWriteFailed();
  }

  #markChanged(): void {
    this.#version++;
    if (!this.#isWriting) this.#host.commits.markChanged(this);
  }

  /** The time of the next message. The open chunk takes it. */
  #nextTimeMs(): number {
    if (this.chunks.open.next !== this.#last + 1) this.#startOver();
    // The clock may be set back, but the times of a stream must ascend: it is searched by time.
    return Math.max(this.lastTimeMs, Math.floor(this.#host.now()));
  }

  /** Messages are in the open chunk. Returns the sequence of the last one. */
  #onAppended(): number {
    const { open } = this.chunks;
    this.#last = open.next - 1;
    if (open.isFull) this.#startOver();
    this.#markChanged();
    return this.#last;
  }

  #readHeads(): void {
    if (this.topics.kept !== null || reachesIntoChunks(this.#retention)) this.chunks.readHeads();
  }

  #onHeadsLoaded(): void {
    this.chunks.lookAtHead(this.#first);
    this.#readHeads();
  }

  /** Closes the open chunk, which is full. The next message begins another one. */
  #startOver(): void {
    if (this.chunks.startOver(this.#last + 1)) this.#readHeads();
  }

  /** Makes a sequence the first one of the stream. */
  dropTo(first: number): void {
    if (first <= this.#first) return;
    this.#first = first;
    if (this.chunks.drop(first, this.#last + 1)) {
      this.#readHeads();
      this.#markChanged();
    }
    this.chunks.lookAtHead(this.#first);
  }
}
