/** A session from the store while the broker starts: asleep, or awake. */
import type { Session } from "../session/session.ts";
import type { DurableQueue } from "./durable_queue.ts";
import type { Reader } from "./log_reader.ts";
import type { SleepingSession } from "./sleeping_session.ts";

/** A session from the store while its parts come together. */
export interface RestoredSession {
  readonly session: Session;
  /** Shared starts that are newer than its row have a higher number. */
  readonly stamp: number;
  /** Whether it has ended, and its messages are being handed over. */
  readonly isLeaving: boolean;
  /** When it lost its connection, of the broker's clock; `null` if it had one until the end. */
  readonly disconnectedMs: number | null;
  /** Adds a reader of a shared log. */
  addReader(reader: Reader): void;
  /** Says when it lost its connection, if that is not known. */
  disconnect(nowMs: number): void;
}

/** A session that is restored as a whole. */
export class AwakeSession implements RestoredSession {
  readonly #queue: DurableQueue;

  constructor(readonly session: Session, queue: DurableQueue) {
    this.#queue = queue;
  }

  get stamp(): number {
    return this.#queue.rows.stamp;
  }

  get isLeaving(): boolean {
    return this.#queue.rows.isLeaving;
  }

  get disconnectedMs(): number | null {
    return this.#queue.rows.disconnectedMs;
  }

  addReader(reader: Reader): void {
    this.#queue.backlog.restore(reader);
  }

  disconnect(nowMs: number): void {
    this.#queue.rows.disconnectedMs = nowMs;
    this.#queue.markChanged();
  }
}

/** A session that sleeps: its client was away. */
export class AsleepSession implements RestoredSession {
  readonly isLeaving = false;
  readonly #asleep: SleepingSession;

  constructor(readonly session: Session, asleep: SleepingSession) {
    this.#asleep = asleep;
  }

  get stamp(): number {
    return this.#asleep.stamp;
  }

  get disconnectedMs(): number {
    return this.#asleep.disconnectedMs;
  }

  addReader(reader: Reader): void {
    this.#asleep.addReader(reader);
  }

  disconnect(): void {}
}
