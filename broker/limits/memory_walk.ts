/** Counts the messages in memory, in turns. */
import type { PublishExchange } from "../../flow/outbound_window.ts";
import type { BrokerContext } from "../base/context.ts";
import { INFLIGHT_BYTES } from "../base/memory_costs.ts";
import { Tally } from "../base/memory_tally.ts";
import type { Message } from "../base/message.ts";

/** Sessions, connections, messages in flight and stretches that are counted in one turn. */
const TURN_STEPS = 2000;
/** A session, as far as its memory is concerned. */
export interface TalliedSession {
  /** The messages in flight to the client; `null` for none. */
  readonly outbound: {
    exchanges(): readonly PublishExchange<{ readonly message: Message | null }>[];
  } | null;
  /** Adds the messages that wait for it in memory. */
  tally(tally: Tally): void;
}

/** The holders of messages and bytes. */
export interface Holders {
  readonly sessions: { values(): Iterable<TalliedSession> };
  readonly connections: Iterable<{ tally(tally: Tally): void }>;
}

/**
 * Counts the memory of sessions and connections: waiting messages, messages in flight, and bytes on
 * their way. It works in turns.
 */
export class MemoryWalk {
  /** The result of the last walk, in bytes. */
  bytes = 0;
  readonly #context: BrokerContext;
  readonly #holders: Holders;
  #number = 0;
  #cancel: (() => void) | null = null;

  constructor(context: BrokerContext, holders: Holders) {
    this.#context = context;
    this.#holders = holders;
  }

  /** Whether a walk is in progress. */
  get isUnderWay(): boolean {
    return this.#cancel !== null;
  }

  /** Starts a walk; `done` is called when its result is in {@linkcode bytes}. */
  start(done: () => void): void {
    const tally = new Tally();
    this.#turn(this.#steps(tally, ++this.#number), () => {
      this.bytes = tally.total;
      done();
    });
  }

  /** Walks everything at once. */
  all(): void {
    this.stop();
    const tally = new Tally();
    for (const _ of this.#steps(tally, ++this.#number));
    this.bytes = tally.total;
  }

  /** Cancels a walk in progress, without a result. */
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
    // A set may change during the walk: new items are visited, removed ones are not.
    for (const connection of connections) {
      connection.tally(tally);
      yield 1;
    }
  }
}

/** Returns the number of steps. */
function tallySession(session: TalliedSession, tally: Tally, walk: number): number {
  const exchanges = session.outbound?.exchanges() ?? [];
  for (const { message: sent } of exchanges) {
    tally.bytes += INFLIGHT_BYTES;
    const message = sent?.message ?? null;
    if (message === null || message.countedBy === walk) continue;
    message.countedBy = walk;
    tally.bytes += message.weight;
  }
  session.tally(tally);
  return 1 + exchanges.length;
}
