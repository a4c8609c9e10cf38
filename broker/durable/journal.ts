/** The journal: it gathers changes of durable state, and commits them to the store. */
import { Receipt } from "../../log/receipt.ts";
import { Batch } from "../../store/batch.ts";
import {
  type Store,
  StoreError,
  StoreFullError,
  StoreGoneError,
  type Table,
} from "../../store/store.ts";
import type { Clock } from "../base/clock.ts";
import type { Message } from "../base/message.ts";
import type { PendingWill } from "../session/pending_will.ts";
import type { RowOwner } from "../base/row_owner.ts";
import { Deadline, type Scheduler } from "../base/scheduler.ts";
import { Changes } from "./changes.ts";
import { CHUNK_BYTES, MessageChunk, type Place } from "./message_chunk.ts";
import { Commit, type CommitListener } from "../base/commit.ts";
import { DurableLog, type LogKeeper } from "./durable_log.ts";
import type { Reader } from "./durable_backlog.ts";
import { SharedStart } from "./shared_start.ts";
import type { MessagePage } from "./message_page.ts";
import { ExpirySweep } from "./expiry_sweep.ts";
import { IdAllocator } from "./id_allocator.ts";
import { PageCache } from "./page_cache.ts";
import type { Calendar } from "../base/calendar.ts";
import { RowWriter } from "./row_writer.ts";

/** The time before a failed commit is retried, in milliseconds. */
const RETRY_MS = 1000;
/** Memory of a chunk, with its page and log, without the messages, in bytes. */
const CHUNK_ENTRY_BYTES = 400;
const LOG_BYTES = 600;
/** The broker, as a journal needs it. */
export interface JournalHost {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly calendar: Calendar;
  /** The maximum memory of pages that are on the disk, in bytes. */
  readonly cacheBytesMax: number;
  /** Bytes that may wait for a commit. Beyond it publishers wait. */
  readonly journalBytesMax: number;
  /** The maximum weight of stored messages, in bytes. Beyond it messages are refused. */
  readonly storedBytesMax: number;
  /** Ends this turn's work, so that its changes are in the same commit. */
  endTurn(): void;
  /** The current publisher should wait until the receipt closes. */
  needRoom(room: Receipt): void;
  /** A part of the current publication will be stored. */
  onStoring(): void;
  /** The current retained message of a topic. */
  retainedOf(topic: string): Message | undefined;
  /** Reports an error. */
  reportError(error: unknown): void;
  /** Messages have expired before they were sent. */
  onExpired(messages: number): void;
  /** Stored messages were lost. */
  onLost(messages: number): void;
  /** A commit has failed. Its changes will be retried. */
  onCommitFailed(): void;
  /** The disk is full, or no longer is; or the store refuses writes for another reason. */
  onFull(isFull: boolean, reason?: Error): void;
}

/**
 * Writes durable state to the store. Changes during a commit go into the next one. The first change
 * of a turn waits only for the end of that turn. So under load a commit contains many changes, and
 * without load there is no delay.
 */
export class Journal implements LogKeeper {
  readonly #store: Store;
  readonly #host: JournalHost;
  readonly #cache: PageCache;
  readonly #chunks = new Map<number, MessageChunk>();
  readonly #sweep: ExpirySweep;
  readonly #ids: IdAllocator;
  readonly #rows: RowWriter;
  readonly #retry = new Deadline(() => {
    this.#mayTry = true;
    this.#touch();
  });
  #changes = new Changes();
  #gathering = new Commit(1);
  #underWay: Commit | null = null;
  #open: MessageChunk | null = null;
  #lastJoin: SharedStart | null = null;
  #done = 0;
  #isTouched = false;
  /** Whether restoring is complete: rows that are written before would be incomplete. */
  #hasBegun = false;
  #isClosing = false;
  #isClosed = false;
  #mayTry = true;
  #isFailing = false;
  /** The name of the last reported error. */
  #told = "";
  #bytes = 0;

  /** @param nextId The first identifier that was never used. */
  constructor(store: Store, host: JournalHost, nextId: number) {
    this.#store = store;
    this.#host = host;
    this.#ids = new IdAllocator(nextId);
    this.#sweep = new ExpirySweep(host);
    this.#rows = new RowWriter(host, (chunk) => this.#chunks.delete(chunk.id));
    this.#cache = new PageCache({
      store,
      calendar: host.calendar,
      get bytesMax(): number {
        return host.cacheBytesMax;
      },
      chunkOf: (id) => this.chunkOf(id),
      onLost: (messages) => host.onLost(messages),
      reportError: (error) => host.reportError(error),
      later: (ms, call) => host.scheduler.set(new Deadline(call), host.clock.now() + ms),
    });
  }

  /** The commit that will contain the current changes. */
  get gathering(): Commit {
    return this.#gathering;
  }

  /** The commit after which the current state is on the disk; `null` if it already is. */
  get latest(): Commit | null {
    return this.#changes.isEmpty ? this.#underWay : this.#gathering;
  }

  /** The number of the last commit that is on the disk, with all before it. */
  get done(): number {
    return this.#done;
  }

  /** Whether no more messages can be stored: a commit has failed, or the limit is reached. */
  get isFull(): boolean {
    return this.#isFailing || this.#bytes >= this.#host.storedBytesMax;
  }

  /** Whether the last commit has failed, so that nothing can be stored. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** The weight of the stored messages, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Memory of pages, chunks and their logs, in bytes. */
  get memoryBytes(): number {
    return this.#cache.bytes + this.#chunks.size * CHUNK_ENTRY_BYTES + this.#sweep.size * LOG_BYTES;
  }

  /** The next identifier. */
  get nextId(): number {
    return this.#ids.nextId;
  }

  newId(): number {
    return this.#ids.newId();
  }

  /** Skips identifiers up to this one. */
  skipIds(upTo: number): void {
    this.#ids.skip(upTo);
  }

  /** Restoring is complete: changes until now are written. */
  begin(): void {
    this.#hasBegun = true;
    if (!this.#changes.isEmpty) this.#touch();
  }

  /** Removes a row without use. */
  discard(table: Table, key: Uint8Array): void {
    this.#changes.useless.push([table, key]);
    this.#touch();
  }

  /** Creates a log. */
  newLog(): DurableLog {
    return new DurableLog(this, this.newId());
  }

  /** Creates a log that is in the store. */
  restoreLog(id: number, end: number, weight: number): DurableLog {
    return new DurableLog(this, id, end, weight);
  }

  /** The chunk with an identifier, which is in the store. */
  chunkOf(id: number): MessageChunk {
    let chunk = this.#chunks.get(id);
    if (chunk === undefined) this.#chunks.set(id, chunk = MessageChunk.stored(id));
    return chunk;
  }

  /** Whether any entry refers to the chunk with an identifier. */
  hasChunk(id: number): boolean {
    return this.#chunks.has(id);
  }

  /** Counts messages that were found in the store. */
  countStored(bytes: number): void {
    this.#bytes += bytes;
  }
  keep(message: Message): Place {
    const place = message.place as Place | null;
    if (place !== null && !place.chunk.isRemoved && !place.isRevoked) return place;
    if (this.#open === null || this.#open.bytes >= CHUNK_BYTES) {
      this.#open = new MessageChunk(this.newId());
      this.#chunks.set(this.#open.id, this.#open);
      this.#changes.chunks.add(this.#open);
    }
    this.#weigh(message.weight);
    this.#host.onStoring();
    return message.place = this.#open.add(message.keep());
  }

  /** A session or a stream has changed: its rows must be written. */
  onRowsChanged(owner: RowOwner): void {
    this.#changes.owners.add(owner);
    this.#touch();
  }

  /** A message moves to another session. The removal must not be stored before the addition. */
  onHandedOver(): void {
    this.#changes.isIndivisible = true;
  }

  /** A session has started to read a log. */
  onReaderStarted(sessionId: number, reader: Reader): void {
    const { cursor, variant } = reader;
    const { log, position, weight } = cursor;
    let join = this.#lastJoin;
    const isSame = join !== null && this.#changes.joins.has(join) && join.log === log &&
      join.position === position;
    if (!isSame) {
      join = this.#lastJoin = new SharedStart(this.newId(), log, position, weight, variant!);
      this.#changes.joins.add(join);
    }
    join!.sessions.push(sessionId);
    join!.pending++;
    reader.join = join;
    this.#touch();
  }

  /** The position of a session is stored elsewhere. */
  releaseStart(join: SharedStart): void {
    if (--join.pending === 0) this.removeStart(join);
  }

  /** No session needs the shared start any more. */
  removeStart(join: SharedStart): void {
    this.#changes.removedJoins.add(join);
    this.#touch();
  }

  /** The will of a session was added, changed or removed. */
  onWillChanged(will: PendingWill): void {
    if (will.storedId === 0) {
      if (will.isOver) return;
      will.storedId = this.newId();
    }
    this.#changes.wills.add(will);
    this.#touch();
  }

  /** The retained message of a topic has changed. */
  onRetainedChanged(topic: string): void {
    const { retained } = this.#changes;
    if (!retained.has(topic)) this.#weigh(this.#host.retainedOf(topic)?.weight ?? topic.length);
    retained.add(topic);
    this.#host.onStoring();
    this.#touch();
  }

  onAppended(log: DurableLog, page: MessagePage, bytes: number): void {
    this.#bytes += bytes;
    this.#cache.remove(page);
    if (!this.#changes.pages.has(page)) {
      this.#changes.pages.set(page, log);
      page.pending++;
      this.watch(log);
    }
    this.#touch();
  }

  onPageDropped(log: DurableLog, page: MessagePage): void {
    this.#cache.remove(page);
    if (page.entries === null) {
      for (const chunk of page.refs!) this.#leave(chunk);
    } else for (const { place } of page.entries) this.#leave(place.chunk);
    this.#bytes -= page.weight;
    if (page.isSealed) this.#changes.removedPages.push([log.id, page.first]);
    if (page === log.lastPage) this.#sweep.forget(log);
    this.#touch();
  }

  load(log: DurableLog, page: MessagePage, done: () => void): void {
    this.#cache.load(log, page, done);
  }

  /** Adds a log with entries to the expiry sweep. */
  watch(log: DurableLog): void {
    this.#sweep.watch(log);
  }

  /** Closes when the contents of a commit are on the disk, maybe after retries, or never will be. */
  whenStored(commit: Commit): Receipt {
    if (this.#isClosed) return Receipt.closed();
    const stored = new Receipt();
    const listener: CommitListener = {
      onCommitted: () => stored.close(),
      onCommitFailed: () => this.#isClosed ? stored.close() : this.#gathering.tell(listener),
    };
    commit.tell(listener);
    return stored;
  }

  /** Waits until everything is on the disk, or cannot be written, and closes the store. */
  async close(): Promise<void> {
    this.#isClosing = true;
    // Failed changes are retried a last time.
    this.#mayTry = true;
    while (this.#underWay !== null || (!this.#changes.isEmpty && this.#mayTry)) {
      if (this.#underWay === null) this.#seal();
      await this.#underWay?.over;
    }
    this.#host.scheduler.clear(this.#retry);
    this.#isClosed = true;
    // Releases everyone who waits for a commit that will not happen.
    this.#gathering.fail(
      new StoreError("The store is closed"),
      (error) => this.#host.reportError(error),
    );
    await this.#store.close();
  }

  /** Counts bytes to be stored. Beyond a limit publishers wait for a commit. */
  #weigh(bytes: number): void {
    this.#changes.weight += bytes;
    if (this.#changes.weight <= this.#host.journalBytesMax || this.#isClosing) return;
    this.#host.needRoom((this.#underWay ?? this.#gathering).over);
  }

  /** Seals the changes at the end of this turn, unless a commit is in progress. */
  #touch(): void {
    if (!this.#hasBegun) return;
    if (this.#isTouched || this.#underWay !== null || !this.#mayTry || this.#isClosing) return;
    this.#isTouched = true;
    queueMicrotask(() => {
      this.#isTouched = false;
      this.#host.endTurn();
      if (this.#underWay === null && this.#mayTry && !this.#changes.isEmpty) this.#seal();
    });
  }

  /** On a full disk, removals are committed first, alone: the store reserves room for them. */
  #sealRemovals(): boolean {
    const removals = this.#isFailing ? this.#changes.takeRemovals() : null;
    if (removals === null) return false;
    const commit = this.#underWay = new Commit(this.#done);
    this.#commit(removals).catch(() => this.#changes.addFailed(removals)).then(() => {
      this.#underWay = null;
      commit.succeed((error) => this.#host.reportError(error));
      this.#sealAll();
    });
    return true;
  }

  /** Passes the changes to the store. */
  #seal(): void {
    if (!this.#sealRemovals()) this.#sealAll();
  }

  #sealAll(): void {
    const changes = this.#changes;
    const commit = this.#gathering;
    this.#changes = new Changes();
    this.#gathering = new Commit(commit.number + 1);
    this.#underWay = commit;
    this.#open = null;
    changes.idCeiling = this.#ids.ceiling;
    this.#commit(changes).then(
      () => this.#onCommitted(commit, changes),
      (error) => this.#onCommitFailed(commit, changes, error),
    );
  }

  async #commit(changes: Changes): Promise<void> {
    const batch = this.#encode(changes);
    if (batch.changes > 0) await this.#store.commit(batch);
  }

  #onCommitted(commit: Commit, changes: Changes): void {
    this.#underWay = null;
    this.#done = commit.number;
    this.#ids.onStored(changes.idCeiling);
    for (const chunk of changes.chunks) chunk.messages = null;
    for (const page of changes.pages.keys()) if (--page.pending === 0) this.#cache.add(page);
    if (this.#isFailing) {
      this.#isFailing = false;
      this.#host.onFull(false);
    }
    commit.succeed((error) => this.#host.reportError(error));
    if (!this.#changes.isEmpty) this.#touch();
  }

  /** Failed changes are retried, together with the changes since then. */
  #onCommitFailed(commit: Commit, changes: Changes, error: unknown): void {
    this.#underWay = null;
    this.#host.onCommitFailed();
    for (const page of changes.pages.keys()) if (this.#changes.pages.has(page)) page.pending--;
    for (const owner of changes.owners) owner.onWriteFailed();
    this.#changes.addFailed(changes);
    const reason = error instanceof Error ? error : new Error(String(error));
    this.#tell(reason);
    this.#mayTry = false;
    const { scheduler, clock } = this.#host;
    scheduler.set(this.#retry, clock.now() + RETRY_MS);
    commit.fail(reason, (error) => this.#host.reportError(error));
  }

  /** Reports that the store refuses writes, once for each kind of reason. */
  #tell(reason: Error): void {
    if (this.#isFailing && this.#told === reason.name) return;
    this.#isFailing = true;
    this.#told = reason.name;
    this.#host.onFull(true, reason);
    const isPlain = reason instanceof StoreFullError || reason instanceof StoreGoneError;
    if (!isPlain) this.#host.reportError(reason);
  }

  /** An entry no longer refers to the chunk. Without references it is removed. */
  #leave(chunk: MessageChunk): void {
    if (--chunk.live > 0 || !chunk.isSealed) return;
    chunk.isRemoved = true;
    this.#chunks.delete(chunk.id);
    this.#changes.removedChunks.add(chunk.id);
  }

  #encode(changes: Changes): Batch {
    const batch = new Batch();
    this.#ids.write(batch);
    this.#rows.write(batch, changes);
    return batch;
  }
}
