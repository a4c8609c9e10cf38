import type { Stretch, Walker } from "../log/trail.ts";
import type { Core } from "./core.ts";
import type { Connection } from "./connection.ts";
import { FLIGHT_BYTES, STRETCH_BYTES } from "./memory_costs.ts";
import type { Session } from "./session.ts";

/** Sessions, connections, flights and stretches that are looked at in one turn. */
const TURN_STEPS = 2000;
/** Stretches of a trail that are looked at; where there are more, each counts to the end of its log. */
const STRETCHES_MAX = 8;

/** What is held of a log, by all whose position in it was looked at. */
interface Held {
  from: number;
  to: number;
  /** What they hold of it together, each for itself. */
  sum: number;
  /** What one position of the log weighs, in bytes. */
  unitBytes: number;
}

/** Adds up what readers hold of logs that they may share. */
export class Tally {
  /** What is not in a log, in bytes. */
  bytes = 0;
  readonly #logs = new Map<object, Held>();

  /** Adds what is left of a trail; `unitBytes` tells what one position of a log weighs. */
  trail<C extends Walker, K>(
    first: Stretch<C, K> | null,
    size: number,
    unitBytes: (cursor: C) => number,
  ): void {
    this.bytes += size * STRETCH_BYTES;
    let left = STRETCHES_MAX;
    for (let at = first; at !== null && left > 0; at = at.next, left--) {
      const { cursor, limit } = at;
      this.#range(
        cursor.log,
        cursor.position,
        size > STRETCHES_MAX ? cursor.log.end : limit,
        unitBytes(cursor),
      );
    }
  }

  #range(log: object, from: number, to: number, unitBytes: number): void {
    if (to <= from) return;
    const held = this.#logs.get(log);
    if (held === undefined) this.#logs.set(log, { from, to, sum: to - from, unitBytes });
    else {
      held.from = Math.min(held.from, from);
      held.to = Math.max(held.to, to);
      held.sum += to - from;
    }
  }

  /** Everything together, in bytes: what several hold of a log is there once. */
  get total(): number {
    let { bytes } = this;
    for (const { from, to, sum, unitBytes } of this.#logs.values()) {
      bytes += Math.min(to - from, sum) * unitBytes;
    }
    return bytes;
  }
}

/**
 * Finds out what sessions and connections hold: messages that wait or are in flight, and bytes on
 * their way. It takes turns with whatever else there is to do.
 */
export class MemoryWalk {
  /** What the last walk has found, in bytes. */
  bytes = 0;
  readonly #core: Core;
  #number = 0;
  #cancel: (() => void) | null = null;

  constructor(core: Core) {
    this.#core = core;
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
    const { clock } = this.#core;
    this.#cancel = clock.schedule(clock.now(), () => {
      this.#cancel = null;
      this.#core.guard(() => {
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
    const { sessions, connections } = this.#core;
    for (const session of sessions.values()) yield tallySession(session, tally, number);
    // A set may change while it is walked: who comes meanwhile is met, and who has gone is not.
    for (const connection of connections) yield tallyConnection(connection, tally);
  }
}

/** Returns how many steps it was. */
function tallySession(session: Session, tally: Tally, walk: number): number {
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

function tallyConnection(connection: Connection, tally: Tally): number {
  connection.tally(tally);
  return 1;
}
