/** What operators can see of a broker and do to it. */
import type { Clock } from "./base/clock.ts";
import type { BrokerHooks } from "./base/hooks.ts";
import { ReasonCode } from "../codec/mod.ts";
import type { CommitMeter } from "./base/histogram.ts";
import type { AccountRows } from "./durable/account_rows.ts";
import { InspectedSession } from "./inspected_session.ts";
import { Message } from "./base/message.ts";
import { Origin } from "./base/origin.ts";
import type { BanList } from "./limits/ban_list.ts";
import type { BrokerParts } from "./broker_parts.ts";

/** Retained messages that are found at once, and topic levels that are looked at meanwhile. */
const RETAINED_PER_PAGE = 16;
const LEVELS_PER_PAGE = 64;

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

  /** Resolves when the caller may go on. */
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

  /** The rows of dynamic security; `null` without a store. */
  get accountRows(): AccountRows | null {
    return this.#parts.accountRows;
  }

  /** What authorizers say has changed: what is remembered of their answers is outdated. */
  onAccessChanged(): void {
    this.#parts.context.accessVersion++;
    this.#parts.router.uncheck();
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

  /** Ends the session of a client, if there is one, and disconnects the client with 0x98. */
  endSession(clientId: string): void {
    const { sessions } = this.#parts;
    const session = sessions.get(clientId);
    if (session === undefined) return;
    const { link } = session;
    sessions.end(session);
    link?.disconnect(ReasonCode.AdministrativeAction);
  }

  /**
   * Resolves when what has changed until now is in the store, at once if there is none.
   *
   * @returns False if the store has not taken it; it is tried again.
   */
  async whenStored(): Promise<boolean> {
    const commit = this.#parts.journal?.latest ?? null;
    await commit?.over.wait();
    return commit === null || commit.error === null;
  }

  /** Clients that are refused. */
  get bans(): BanList {
    return this.#parts.limiters.bans;
  }

  /**
   * The retained messages that match a filter, in no order; they may come and go during the walk.
   * `null` stands for a while in which none was found.
   */
  *retained(filter: string): Generator<Message | null, void, void> {
    const walk = this.#parts.retained.match(filter);
    for (;;) {
      const page = walk.next(RETAINED_PER_PAGE, LEVELS_PER_PAGE);
      if (page === null) return;
      yield null;
      yield* page;
    }
  }

  /** The retained message of a topic. */
  retainedMessage(topic: string): Message | undefined {
    return this.#parts.retained.get(topic);
  }

  /**
   * Deletes the retained message of a topic. Subscribers are told nothing.
   *
   * @returns False if nothing is retained there.
   */
  deleteRetained(topic: string): boolean {
    const { retained, router, context } = this.#parts;
    const route = retained.get(topic) === undefined ? null : router.routeOf(topic);
    if (route === null) return false;
    const [payload, nowMs] = [new Uint8Array(), context.clock.now()];
    const empty = {
      route,
      payload,
      properties: {},
      qos: 0,
      retain: true,
      origin: Origin.program,
    } as const;
    return retained.set(Message.of({ ...empty, nowMs }));
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
  reportError(error: unknown): void {
    this.#parts.context.reportError(error);
  }
}
