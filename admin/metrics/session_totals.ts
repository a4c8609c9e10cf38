/** Sums over all sessions, counted in one walk in turns. */
import type { Inspection } from "../../broker/inspection.ts";
import type { Steps, TimeSlices } from "../time_slices.ts";

/** How long a count is used, in milliseconds. */
const FRESH_MS = 5000;

/** The maximum number of slow subscribers that are remembered. */
const SLOW_MAX = 10_000;

/** Sums over all sessions. */
export interface Totals {
  readonly connected: number;
  readonly offline: number;
  /** Sessions that survive a restart. */
  readonly durable: number;
  /** Waiting messages, and their bytes. A message for ten sessions counts ten times. */
  readonly backlogMessages: number;
  readonly backlogBytes: number;
  /** The maximum that waits for one session. */
  readonly backlogMessagesMost: number;
  /** The client with the most messages that wait; `null` for none. */
  readonly backlogMost: string | null;
  readonly inflight: number;
  /** Bytes that wait to be written, and the most for one client. */
  readonly lagBytes: number;
  readonly lagBytesMost: number;
  /** The client for which the most bytes wait; `null` for none. */
  readonly lagMost: string | null;
  /** Clients for which bytes wait. */
  readonly lagging: number;
  /** Clients that are connected, by the name of their listener. */
  readonly byListener: ReadonlyMap<string, number>;
}

/** The totals of no sessions. */
export const NOTHING: Totals = {
  connected: 0,
  offline: 0,
  durable: 0,
  backlogMessages: 0,
  backlogBytes: 0,
  backlogMessagesMost: 0,
  backlogMost: null,
  inflight: 0,
  lagBytes: 0,
  lagBytesMost: 0,
  lagMost: null,
  lagging: 0,
  byListener: new Map(),
};

/** Counts the contents of all sessions in one walk. The walk is slow, so it is not done often. */
export class SessionTotals {
  readonly #inspection: Inspection;
  readonly #slices: TimeSlices;
  #last: Totals = NOTHING;
  #lastMs = -Infinity;
  /** When each slow subscriber was first seen as slow. */
  #slow: ReadonlyMap<string, number> = new Map();
  #counting: Promise<Totals> | null = null;

  constructor(inspection: Inspection, slices: TimeSlices) {
    this.#inspection = inspection;
    this.#slices = slices;
  }

  /** The result of the last walk. */
  get last(): Totals {
    return this.#last;
  }

  /**
   * Connected clients for which something waited at the last count, and at which count that was
   * first so, by the broker's clock.
   */
  get slow(): ReadonlyMap<string, number> {
    return this.#slow;
  }

  /** Counts, unless the last result is fresh. Concurrent calls wait for the same walk. */
  async take(): Promise<Totals> {
    const { clock } = this.#inspection;
    if (clock.now() - this.#lastMs < FRESH_MS) return this.#last;
    this.#counting ??= this.#slices.run(this.#count()).then((counted) => {
      this.#lastMs = clock.now();
      return this.#last = counted;
    }).finally(() => this.#counting = null);
    return await this.#counting;
  }

  *#count(): Steps<Totals> {
    const byListener = new Map<string, number>();
    const sum = { ...NOTHING, byListener } as { -readonly [K in keyof Totals]: Totals[K] };
    const slow = new Map<string, number>();
    const now = this.#inspection.clock.now();
    for (const session of this.#inspection.sessions()) {
      const { connection, waiting: { messages, bytes }, lagBytes } = session;
      if (connection === null) sum.offline++;
      else {
        sum.connected++;
        const { listener = "" } = connection.client;
        byListener.set(listener, (byListener.get(listener) ?? 0) + 1);
        const isSlow = messages > 0 || lagBytes > 0;
        if (isSlow && slow.size < SLOW_MAX) {
          slow.set(session.clientId, this.#slow.get(session.clientId) ?? now);
        }
      }
      if (session.isDurable) sum.durable++;
      sum.backlogMessages += messages;
      sum.backlogBytes += bytes;
      if (messages > sum.backlogMessagesMost) {
        sum.backlogMessagesMost = messages;
        sum.backlogMost = session.clientId;
      }
      sum.inflight += session.inflight;
      if (lagBytes > 0) sum.lagging++;
      sum.lagBytes += lagBytes;
      if (lagBytes > sum.lagBytesMost) {
        sum.lagBytesMost = lagBytes;
        sum.lagMost = session.clientId;
      }
      yield;
    }
    this.#slow = slow;
    return sum;
  }
}
