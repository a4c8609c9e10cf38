import type { Flight } from "../../flow/outbound_window.ts";
import type { BrokerContext } from "../base/context.ts";
import { FLIGHT_BYTES } from "../base/memory_costs.ts";
import { Tally } from "../base/memory_tally.ts";
import type { Message } from "../base/message.ts";

/** Sessions, connections, flights and stretches that are looked at in one turn. */
const TURN_STEPS = 2000;
/** A session as far as its memory matters. */
export interface TalliedSession {
  /** What is in flight to the client; `null` for nothing. */
  readonly outbound: {
    flights(): readonly Flight<{ readonly message: Message | null }>[];
  } | null;
  /** Adds what waits for it in memory. */
  tally(tally: Tally): void;
}

/** Whoever holds messages and bytes. */
export interface Holders {
  readonly sessions: { values(): Iterable<TalliedSession> };
  readonly connections: Iterable<{ tally(tally: Tally): void }>;
}

/**
 * Finds out what sessions and connections hold: messages that wait or are in flight, and bytes on
 * their way. It takes turns with whatever else there is to do.
 */
export class MemoryWalk {
  /** What the last walk has found, in bytes. */
  bytes = 0;
  readonly #context: BrokerContext;
  readonly #holders: Holders;
  #number = 0;
  #cancel: (() => void) | null = null;

  constructor(context: BrokerContext, holders: Holders) {
    this.#context = context;
    this.#holders = holders;
  }

  /** Whether a walk has begun and is not over. */
  get isUnderWay(): boolean {
    return this.#cancel !== null;
  }

  /** Begins a walk; `done` is called when {@linkcode bytes} is what it has found. */
  start(done: () => void): void {
    const tally = new Tally();
    this.#turn(this.#steps(tally, ++this.#number), () => {
      this.bytes = tally.total;
      done();
    });
  }

  /** Walks in one go. */
  all(): void {
    this.stop();
    const tally = new Tally();
    for (const _ of this.#steps(tally, ++this.#number));
    this.bytes = tally.total;
  }

  /** Ends a walk that is under way: it finds nothing. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #turn(steps: Generator<number>, done: () => void): void {
    const { clock } = this.#context;
    this.#cancel = clock.schedule(clock.now(), () => {
      this.#cancel = null;
      this.#context.guard(() => {
        for (let taken = 0; taken < TURN_STEPS;) {
          const { value, done: isDone } = steps.next();
          if (isDone) return done();
          taken += value;
        }
        this.#turn(steps, done);
      });
    });
  }

  *#steps(tally: Tally, number: number): Generator<number, void, void> {
    const { sessions, connections } = this.#holders;
    for (const session of sessions.values()) yield tallySession(session, tally, number);
    // A set may change while it is walked: who comes meanwhile is met, and who has gone is not.
    for (const connection of connections) {
      connection.tally(tally);
      yield 1;
    }
  }
}

/** Returns how many steps it was. */
function tallySession(session: TalliedSession, tally: Tally, walk: number): number {
  const flights = session.outbound?.flights() ?? [];
  for (const { message: sent } of flights) {
    tally.bytes += FLIGHT_BYTES;
    const message = sent?.message ?? null;
    if (message === null || message.countedBy === walk) continue;
    message.countedBy = walk;
    tally.bytes += message.weight;
  }
  session.tally(tally);
  return 1 + flights.length;
}
