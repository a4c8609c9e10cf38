/** The changes since the last commit, which the next one must write. */
import type { Table } from "../../store/store.ts";
import type { RowOwner } from "../base/row_owner.ts";
import type { PendingWill } from "../session/pending_will.ts";
import type { MessageChunk } from "./message_chunk.ts";
import type { DurableLog } from "./durable_log.ts";
import type { SharedStart } from "./shared_start.ts";
import type { MessagePage } from "./message_page.ts";

/** The journal, as parts that record changes need it. */
export interface ChangeJournal {
  /** The changes that the next commit will contain. Each commit starts with new ones. */
  readonly changes: Changes;
  /**
   * Schedules a commit of the changes: at the end of this turn, or after the commit in progress.
   */
  commitSoon(): void;
  /** Counts bytes to be stored. Beyond `journalBytesMax` publishers wait for a commit. */
  addWeight(bytes: number): void;
}

/**
 * The changes since the last commit. It names the objects whose rows must be written, not the rows.
 * So many changes of one object are one row, and a failed commit is retried with the state at that
 * time. The three numbers and flags are set by the journal while it gathers.
 */
export class Changes {
  /** Messages to be stored for the first time. */
  readonly chunks: Set<MessageChunk> = new Set();
  readonly removedChunks: Set<number> = new Set();
  /** Rows of stored chunks with messages that a stream drops; by their identifiers. */
  readonly copies: Map<number, Uint8Array> = new Map();
  readonly pages: Map<MessagePage, DurableLog> = new Map();
  /** Rows of removed pages: log and first position. */
  readonly removedPages: (readonly [number, number])[] = [];
  /** Sessions and streams whose rows must be written. */
  readonly owners: Set<RowOwner> = new Set();
  /** Shared starts of sessions that follow a log. */
  readonly starts: Set<SharedStart> = new Set();
  readonly removedStarts: Set<SharedStart> = new Set();
  /** Wills that were added, are due at another time, or are over. */
  readonly wills: Set<PendingWill> = new Set();
  /** Topics whose retained message has changed. */
  readonly retained: Set<string> = new Set();
  /** Rows without use that were found in the store. */
  readonly useless: (readonly [Table, Uint8Array])[] = [];
  /** Whether removals must not be committed before the rest. */
  isIndivisible = false;
  /** The approximate weight of all changes, in bytes. */
  weight = 0;
  /** The first identifier that was not allocated when it was sealed. */
  idCeiling = 0;

  /** Whether there are no changes. */
  get isEmpty(): boolean {
    return this.chunks.size === 0 && this.removedChunks.size === 0 && this.pages.size === 0 &&
      this.copies.size === 0 &&
      this.removedPages.length === 0 && this.owners.size === 0 && this.starts.size === 0 &&
      this.removedStarts.size === 0 && this.wills.size === 0 &&
      this.retained.size === 0 && this.useless.length === 0;
  }

  /**
   * Splits off the removals, which free room and may be committed before the rest. `null` if there
   * are none.
   */
  takeRemovals(): Changes | null {
    if (this.isIndivisible) return null;
    const removals = new Changes();
    // An ended session must not be found in the store without its messages.
    for (const owner of this.owners) if (owner.isRemoved) removals.owners.add(owner);
    const isNone = this.removedChunks.size === 0 && this.removedPages.length === 0;
    if (isNone && removals.owners.size === 0) return null;
    for (const owner of removals.owners) this.owners.delete(owner);
    for (const id of this.removedChunks) removals.removedChunks.add(id);
    for (const page of this.removedPages.splice(0)) removals.removedPages.push(page);
    this.removedChunks.clear();
    return removals;
  }

  /** Adds the changes of a failed commit. */
  addFailed(failed: Changes): void {
    for (const chunk of failed.chunks) this.chunks.add(chunk);
    for (const id of failed.removedChunks) this.removedChunks.add(id);
    for (const [id, row] of failed.copies) this.copies.set(id, row);
    for (const [page, log] of failed.pages) this.pages.set(page, log);
    for (const page of failed.removedPages) this.removedPages.push(page);
    for (const owner of failed.owners) this.owners.add(owner);
    for (const start of failed.starts) this.starts.add(start);
    for (const start of failed.removedStarts) this.removedStarts.add(start);
    for (const will of failed.wills) this.wills.add(will);
    for (const topic of failed.retained) this.retained.add(topic);
    for (const row of failed.useless) this.useless.push(row);
    this.isIndivisible ||= failed.isIndivisible;
    this.weight += failed.weight;
  }
}
