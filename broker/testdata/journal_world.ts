/**
 * A journal without a broker, on a store whose commits end as the test says.
 *
 * @module
 */
import type { Receipt } from "../../log/receipt.ts";
import type { Table } from "../../store/store.ts";
import { ManualStore } from "../../tests/harness/manual_store.ts";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import type { Message } from "../base/message.ts";
import { Scheduler } from "../base/scheduler.ts";
import { Journal, type JournalHost } from "../durable/journal.ts";
import { message } from "./messages.ts";

/** The broker around a journal: it retains messages, and records what the journal reports. */
export class TestJournalHost implements JournalHost {
  readonly scheduler: Scheduler;
  readonly calendar = { toWall: (ms: number) => ms, toClock: (ms: number) => ms };
  cacheBytesMax = 1_000_000;
  journalBytesMax = 1_000_000;
  storedBytesMax = 1_000_000;
  readonly retained = new Map<string, Message>();
  readonly deletions = new Map<string, number>();
  readonly reports: string[] = [];
  room: Receipt | null = null;
  stored = 0;

  constructor(readonly clock: VirtualClock = new VirtualClock()) {
    this.scheduler = new Scheduler(clock);
  }

  endTurn(): void {}

  needRoom(room: Receipt): void {
    this.room = room;
  }

  onStoring(): void {
    this.stored++;
  }

  retainedOf(topic: string): Message | undefined {
    return this.retained.get(topic);
  }

  retainedSince(): number {
    return 0;
  }

  retainedVersion(): number {
    return 0;
  }

  retainedDeletion(topic: string): number {
    return this.deletions.get(topic) ?? 0;
  }

  reportError(error: unknown): void {
    this.reports.push(`failed ${error}`);
  }

  onExpired(messages: number): void {
    if (messages > 0) this.reports.push(`expired ${messages}`);
  }

  onLost(messages: number): void {
    this.reports.push(`lost ${messages}`);
  }

  onCommitFailed(): void {
    this.reports.push("commit failed");
  }

  onFull(isFull: boolean): void {
    this.reports.push(isFull ? "full" : "not full");
  }
}

/** A journal that has begun. */
export class JournalWorld {
  readonly host: TestJournalHost;
  readonly store = new ManualStore();
  readonly journal: Journal;

  constructor(clock?: VirtualClock) {
    this.host = new TestJournalHost(clock);
    this.journal = new Journal(this.store, this.host, 1);
    this.journal.begin();
  }

  /** Retains a message, which the journal has to store. */
  retain(topic: string, payload = "x"): void {
    this.host.retained.set(topic, message(topic, payload).keep());
    this.journal.onRetainedChanged(topic);
  }

  /** The number of rows of a table in the store. */
  rows(table: Table): number {
    return this.store.snapshot().get(table)?.length ?? 0;
  }

  /** Lets everything happen that can happen without time passing. */
  settle(): Promise<void> {
    return this.host.clock.settle();
  }

  /** Has commits fail, as on a full disk, until {@linkcode repair}. */
  async fail(): Promise<void> {
    this.store.mode = "fail";
    await this.settle();
  }

  /** Has commits succeed again, and waits for the retry. */
  async repair(): Promise<void> {
    this.store.mode = "succeed";
    await this.host.clock.advance(1000);
  }
}
