import type { Batch } from "../../store/batch.ts";
import type { Table } from "../../store/store.ts";
import type { RecordWriter } from "../../store/record.ts";
import type { PendingWill } from "../session/pending_will.ts";
import type { MessageChunk } from "./message_chunk.ts";
import type { DurableLog } from "./durable_log.ts";
import type { SharedStart } from "./shared_start.ts";
import type { MessagePage } from "./message_page.ts";

/** A session whose rows are to be written. */
export interface StoredSession {
  /** Whether nothing of it is to be kept. */
  readonly isGone: boolean;
  /** Writes the rows of the session, as it is now. */
  write(batch: Batch, writer: RecordWriter): void;
  /** The commit of the last {@linkcode write} has failed. */
  writeFailed(): void;
}

/**
 * What has changed since the last commit: not the rows themselves but whose
 * rows are to be written, so that many changes of one thing are one row, and
 * a commit that has failed can be tried again as things are then.
 */
export class Changes {
  /** Messages that are stored for the first time. */
  readonly chunks: Set<MessageChunk> = new Set();
  readonly removedChunks: Set<number> = new Set();
  readonly pages: Map<MessagePage, DurableLog> = new Map();
  /** Rows of pages: log and first position. */
  readonly removedPages: (readonly [number, number])[] = [];
  readonly sessions: Set<StoredSession> = new Set();
  /** Who has begun to follow which log. */
  readonly joins: Set<SharedStart> = new Set();
  readonly removedJoins: Set<SharedStart> = new Set();
  /** Wills that have come, wait for another time, or are over. */
  readonly wills: Set<PendingWill> = new Set();
  /** Topics whose retained message has changed. */
  readonly retained: Set<string> = new Set();
  /** Rows that were found and are of no use to anybody. */
  readonly useless: (readonly [Table, Uint8Array])[] = [];
  /** Whether nothing of it may be committed without the rest. */
  isIndivisible = false;
  /** What all of it weighs, about, in bytes. */
  weight = 0;
  /** The first identifier that was not set aside when it was sealed. */
  idCeiling = 0;

  /** Whether nothing has changed. */
  get isEmpty(): boolean {
    return this.chunks.size === 0 && this.removedChunks.size === 0 && this.pages.size === 0 &&
      this.removedPages.length === 0 && this.sessions.size === 0 && this.joins.size === 0 &&
      this.removedJoins.size === 0 && this.wills.size === 0 &&
      this.retained.size === 0 && this.useless.length === 0;
  }

  /**
   * Takes out what only frees room, and may come before the rest: what readers
   * have passed they need not be known to have passed. `null` if there is none.
   */
  takeRemovals(): Changes | null {
    if (this.removedChunks.size === 0 && this.removedPages.length === 0) return null;
    if (this.isIndivisible) return null;
    const removals = new Changes();
    // A session that has ended must not be found without what waited for it.
    for (const session of this.sessions) if (session.isGone) removals.sessions.add(session);
    for (const session of removals.sessions) this.sessions.delete(session);
    for (const id of this.removedChunks) removals.removedChunks.add(id);
    for (const page of this.removedPages.splice(0)) removals.removedPages.push(page);
    this.removedChunks.clear();
    return removals;
  }

  /** Adds what an earlier commit has failed to bring to the disk. */
  addFailed(failed: Changes): void {
    for (const chunk of failed.chunks) this.chunks.add(chunk);
    for (const id of failed.removedChunks) this.removedChunks.add(id);
    for (const [page, log] of failed.pages) this.pages.set(page, log);
    for (const page of failed.removedPages) this.removedPages.push(page);
    for (const session of failed.sessions) this.sessions.add(session);
    for (const join of failed.joins) this.joins.add(join);
    for (const join of failed.removedJoins) this.removedJoins.add(join);
    for (const will of failed.wills) this.wills.add(will);
    for (const topic of failed.retained) this.retained.add(topic);
    for (const row of failed.useless) this.useless.push(row);
    this.isIndivisible ||= failed.isIndivisible;
    this.weight += failed.weight;
  }
}
