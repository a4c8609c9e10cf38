/** The journal: it gathers changes of durable state, and commits them to the store. */
import { Receipt } from "../../log/receipt.ts";
import { Batch } from "../../store/batch.ts";
import { type Store, StoreError, type Table } from "../../store/store.ts";
import type { References } from "../../stream/held_chunks.ts";
import { Commit, type CommitListener } from "../base/commit.ts";
import type { RowOwner } from "../base/row_owner.ts";
import type { PendingWill } from "../session/pending_will.ts";
import { type ChangeJournal, Changes } from "./changes.ts";
import { type ChunkHost, ChunkTable } from "./chunk_table.ts";
import { CommitRetry, type RetryHost } from "./commit_retry.ts";
import { DurableLog } from "./durable_log.ts";
import { IdAllocator } from "./id_allocator.ts";
import { LogPages, type PageHost } from "./log_pages.ts";
import { ReferenceCopies } from "./reference_copies.ts";
import { type RowHost, RowWriter } from "./row_writer.ts";
import { SharedStarts } from "./shared_starts.ts";

/** The broker, as a journal and its parts need it. */
export interface JournalHost extends ChunkHost, PageHost, RetryHost, RowHost {
  /** Bytes that may wait for a commit. Beyond it publishers wait. */
  readonly journalBytesMax: number;
  /** The maximum weight of stored messages, in bytes. Beyond it messages are refused. */
  readonly storedBytesMax: number;
  /** Ends this turn's work, so that its changes are in the same commit. */
  endTurn(): void;
  /** The current publisher should wait until the receipt closes. */
  needRoom(room: Receipt): void;
}

/**
 * Writes durable state to the store. Changes during a commit go into the next one. The first change
 * of a turn waits only for the end of that turn. So under load a commit contains many changes, and
 * without load there is no delay.
 */
export class Journal implements ChangeJournal {
  readonly ids: IdAllocator;
  readonly chunks: ChunkTable;
  readonly pages: LogPages;
  readonly starts: SharedStarts;
  /** Copies messages that streams drop. */
  readonly references: References;
  /** The changes of the gathering commit. A field, because each message reads it; set only here. */
  changes: Changes = new Changes();
  readonly #store: Store;
  readonly #host: JournalHost;
  readonly #rows: RowWriter;
  readonly #retry: CommitRetry;
  readonly #report: (error: unknown) => void;
  #gathering = new Commit(1);
  #underWay: Commit | null = null;
  #done = 0;
  #isTouched = false;
  /** Whether restoring is complete: rows that are written before would be incomplete. */
  #hasBegun = false;
  #isClosing = false;
  #isClosed = false;

  /** @param nextId The first identifier that was never used. */
  constructor(store: Store, host: JournalHost, nextId: number) {
    this.#store = store;
    this.#host = host;
    this.#report = (error) => host.reportError(error);
    this.ids = new IdAllocator(nextId);
    this.chunks = new ChunkTable(this, host, this.ids);
    this.pages = new LogPages(this, store, host, this.chunks);
    this.starts = new SharedStarts(this, this.ids);
    this.references = new ReferenceCopies(this, store, host.calendar);
    this.#rows = new RowWriter(host, this.chunks);
    this.#retry = new CommitRetry(host, () => this.commitSoon());
  }

  /** The commit that will contain the current changes. */
  get gathering(): Commit {
    return this.#gathering;
  }

  /** The commit after which the current state is on the disk; `null` if it already is. */
  get latest(): Commit | null {
    return this.changes.isEmpty ? this.#underWay : this.#gathering;
  }

  /** The commit that is being stored; `null` for none. */
  get underWay(): Commit | null {
    return this.#underWay;
  }

  /** Whether it closes, so that what is not stored now may never be. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** The number of the last commit that is on the disk, with all before it. */
  get done(): number {
    return this.#done;
  }

  /** Whether no more messages can be stored: a commit has failed, or the limit is reached. */
  get isFull(): boolean {
    return this.#retry.isFailing || this.pages.bytes >= this.#host.storedBytesMax;
  }

  /** Whether the last commit has failed, so that nothing can be stored. */
  get isFailing(): boolean {
    return this.#retry.isFailing;
  }

  /** The weight of the stored messages, in bytes. */
  get bytes(): number {
    return this.pages.bytes;
  }

  /** Memory of pages, chunks and their logs, in bytes. */
  get memoryBytes(): number {
    return this.pages.memoryBytes + this.chunks.memoryBytes;
  }

  /** Creates a log. */
  newLog(): DurableLog {
    return new DurableLog(this.pages, this.ids.newId());
  }

  /** Restoring is complete: changes until now are written. */
  begin(): void {
    this.#hasBegun = true;
    if (!this.changes.isEmpty) this.commitSoon();
  }

  /** Removes a row without use. */
  discard(table: Table, key: Uint8Array): void {
    this.changes.useless.push([table, key]);
    this.commitSoon();
  }

  /** An owner of rows has changed: its rows must be written. */
  onRowsChanged(owner: RowOwner): void {
    this.changes.owners.add(owner);
    this.commitSoon();
  }

  /** A message moves to another session. The removal must not be stored before the addition. */
  onHandedOver(): void {
    this.changes.isIndivisible = true;
  }

  /** The will of a session was added, changed or removed. */
  onWillChanged(will: PendingWill): void {
    if (will.storedId === 0) {
      if (will.isOver) return;
      will.storedId = this.ids.newId();
    }
    this.changes.wills.add(will);
    this.commitSoon();
  }

  /** The retained message of a topic has changed. */
  onRetainedChanged(topic: string): void {
    const { retained } = this.changes;
    if (!retained.has(topic)) this.addWeight(this.#host.retainedOf(topic)?.weight ?? topic.length);
    retained.add(topic);
    this.#host.onStoring();
    this.commitSoon();
  }

  addWeight(bytes: number): void {
    this.changes.weight += bytes;
    if (this.changes.weight <= this.#host.journalBytesMax || this.#isClosing) return;
    this.#host.needRoom((this.#underWay ?? this.#gathering).over);
  }

  commitSoon(): void {
    if (!this.#hasBegun) return;
    if (this.#isTouched || this.#underWay !== null || !this.#retry.mayTry || this.#isClosing) {
      return;
    }
    this.#isTouched = true;
    queueMicrotask(() => {
      this.#isTouched = false;
      this.#host.endTurn();
      if (this.#underWay === null && this.#retry.mayTry && !this.changes.isEmpty) this.#commit();
    });
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
    this.#retry.tryNow();
    while (this.#underWay !== null || (!this.changes.isEmpty && this.#retry.mayTry)) {
      if (this.#underWay === null) this.#commit();
      await this.#underWay?.over;
    }
    this.#retry.stop();
    this.#isClosed = true;
    // Releases everyone who waits for a commit that will not happen.
    this.#gathering.fail(new StoreError("The store is closed"), this.#report);
    await this.#store.close();
  }

  /** On a full disk, removals are committed first, alone: the store reserves room for them. */
  #commit(): void {
    const removals = this.#retry.isFailing ? this.changes.takeRemovals() : null;
    if (removals === null) this.#commitAll();
    else this.#commitRemovals(removals);
  }

  #commitRemovals(removals: Changes): void {
    const commit = this.#underWay = new Commit(this.#done);
    this.#write(removals).catch(() => this.changes.addFailed(removals)).then(() => {
      this.#underWay = null;
      commit.succeed(this.#report);
      this.#commitAll();
    });
  }

  #commitAll(): void {
    const { changes } = this;
    const commit = this.#gathering;
    this.changes = new Changes();
    this.#gathering = new Commit(commit.number + 1);
    this.#underWay = commit;
    this.chunks.onSealed();
    changes.idCeiling = this.ids.ceiling;
    this.#write(changes).then(
      () => this.#onCommitted(commit, changes),
      (error) => this.#onCommitFailed(commit, changes, error),
    );
  }

  /** Passes changes to the store. */
  async #write(changes: Changes): Promise<void> {
    const batch = new Batch();
    this.ids.write(batch);
    this.#rows.write(batch, changes);
    if (batch.changes > 0) await this.#store.commit(batch);
  }

  #onCommitted(commit: Commit, changes: Changes): void {
    this.#underWay = null;
    this.#done = commit.number;
    this.ids.onStored(changes.idCeiling);
    this.chunks.onCommitted(changes.chunks);
    this.pages.onCommitted(changes.pages.keys());
    this.#retry.onCommitted();
    commit.succeed(this.#report);
    if (!this.changes.isEmpty) this.commitSoon();
  }

  /** Failed changes are retried, together with the changes since then. */
  #onCommitFailed(commit: Commit, changes: Changes, error: unknown): void {
    this.#underWay = null;
    this.pages.onCommitFailed(changes.pages.keys());
    for (const owner of changes.owners) owner.onWriteFailed();
    this.changes.addFailed(changes);
    const reason = error instanceof Error ? error : new Error(String(error));
    this.#retry.onCommitFailed(reason);
    commit.fail(reason, this.#report);
  }
}
