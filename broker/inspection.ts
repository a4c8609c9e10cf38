import type { Clock } from "./base/clock.ts";
import type { BrokerHooks } from "./base/hooks.ts";
import type { CommitMeter } from "./base/histogram.ts";
import { InspectedSession } from "./inspected_session.ts";
import type { BrokerParts } from "./broker_parts.ts";

/** Whether the broker does what it is there for. */
export interface Readiness {
  /** Whether it takes clients: it is not closing, and its event loop has time for them. */
  readonly takesClients: boolean;
  /** Whether what must survive can be stored; true without a store. */
  readonly takesWrites: boolean;
  /** Whether clients may still make it hold more in memory. */
  readonly hasMemory: boolean;
}

/** What operators see of a broker, and do to it, beside what its API has for everyone. */
export class Inspection {
  readonly #parts: BrokerParts;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  /** The clock that the broker goes by. */
  get clock(): Clock {
    return this.#parts.context.clock;
  }

  /** Resolves when it is the turn of whoever asks. */
  nextTurn(): Promise<void> {
    return this.#parts.turns.next();
  }

  /** The time of the wall clock that a time of the broker's clock stands for, as ISO 8601. */
  timeOf(clockMs: number): string {
    return new Date(this.#parts.context.calendar.toWall(clockMs)).toISOString();
  }

  /** Whether the broker does what it is there for. */
  get readiness(): Readiness {
    const { context, limiters, journal, memory } = this.#parts;
    const bytes = Object.values(memory.use).reduce((sum, one) => sum + one, 0);
    return {
      takesClients: !context.isClosing && !limiters.eventLoop.isBusy,
      takesWrites: !(journal?.isFull ?? false),
      hasMemory: bytes < memory.bytesMax,
    };
  }

  /** What commits to the store are like. */
  get commits(): CommitMeter {
    return this.#parts.context.commits;
  }

  /** How many pieces of work wait for a later turn. */
  get turnsWaiting(): number {
    return this.#parts.turns.size;
  }

  /** What is kept of each client, connected or not; sessions may come and go during the walk. */
  *sessions(): Generator<InspectedSession, void, void> {
    for (const session of this.#parts.sessions.values()) yield new InspectedSession(session);
  }

  /** What is kept of one client. */
  session(clientId: string): InspectedSession | null {
    const session = this.#parts.sessions.get(clientId);
    return session === undefined ? null : new InspectedSession(session);
  }

  /**
   * Has hooks called beside those of the program.
   *
   * @returns Takes them away again.
   */
  observe(hooks: BrokerHooks): () => void {
    return this.#parts.context.observe(hooks);
  }

  /** Reports a failure that is no client's. */
  failed(error: unknown): void {
    this.#parts.context.failed(error);
  }
}
