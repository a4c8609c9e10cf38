/** What operators can see of a broker and do to it. */
import type { Clock } from "./base/clock.ts";
import type { BrokerHooks } from "./base/hooks.ts";
import { type Properties, type QoS, ReasonCode } from "../codec/mod.ts";
import { decodeProperties } from "./base/message_properties.ts";
import type { CommitMeter } from "./base/histogram.ts";
import type { AccountRows } from "./durable/account_rows.ts";
import { InspectedSession } from "./inspected_session.ts";
import { Message } from "./base/message.ts";
import { isNodeClientId } from "./base/node_peer.ts";
import { Origin } from "./base/origin.ts";
import type { BanList } from "./limits/ban_list.ts";
import type { BrokerParts } from "./broker_parts.ts";

/** The maximum number of retained messages, and of topic levels, of one step of a search. */
const RETAINED_PER_PAGE = 16;
const LEVELS_PER_PAGE = 64;

/** Whether the broker can serve clients. */
export interface Readiness {
  /** Whether it accepts clients: it is not closing, and its event loop has time for them. */
  readonly takesClients: boolean;
  /** Whether the store accepts writes; true without a store. */
  readonly takesWrites: boolean;
  /** Whether the memory budget has room. */
  readonly hasMemory: boolean;
}

/** A retained message, copied. */
export interface RetainedCopy {
  readonly qos: QoS;
  readonly payload: Uint8Array;
  readonly properties: Properties;
}

/** The operations of the admin listener that are not part of the public API. */
export class Inspection {
  readonly #parts: BrokerParts;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  /** The clock of the broker. */
  get clock(): Clock {
    return this.#parts.context.clock;
  }

  /** Resolves when the caller may go on. */
  nextTurn(): Promise<void> {
    return this.#parts.turns.next();
  }

  /** Converts a time of the broker's clock to wall clock time, as ISO 8601. */
  timeOf(clockMs: number): string {
    return new Date(this.#parts.context.calendar.toWall(clockMs)).toISOString();
  }

  /** Whether the broker can serve clients. */
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

  /** Permissions have changed: remembered answers of authorizers are outdated. */
  onAccessChanged(): void {
    this.#parts.context.accessVersion++;
    this.#parts.router.uncheck();
  }

  /** The duration and size of commits to the store. */
  get commits(): CommitMeter {
    return this.#parts.context.commits;
  }

  /** How many pieces of work wait for a later turn. */
  get turnsWaiting(): number {
    return this.#parts.turns.size;
  }

  /** All sessions of clients, connected or not, without those of other nodes. Sessions may be added and removed during the walk. */
  *sessions(): Generator<InspectedSession, void, void> {
    for (const session of this.#parts.sessions.values()) {
      if (!isNodeClientId(session.clientId)) yield new InspectedSession(session);
    }
  }

  /** The session of one client. */
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
   * Resolves when all changes until now are in the store; at once without a store.
   *
   * @returns False if the commit has failed. It is retried.
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
   * The retained messages that match a filter, in no order. They may change during the walk. It
   * yields `null` after a step that has found none.
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

  /** The retained message of a topic, copied, with what is left of its Message Expiry Interval. */
  retainedCopy(topic: string): RetainedCopy | null {
    const message = this.retainedMessage(topic);
    if (message === undefined) return null;
    const { qos, payload, buffer, propertiesStart, propertiesEnd } = message;
    const properties = decodeProperties(buffer.slice(propertiesStart, propertiesEnd));
    const seconds = message.secondsLeft(this.clock.now());
    if (seconds >= 0) properties.messageExpiryInterval = seconds;
    return { qos, payload: payload.slice(), properties };
  }

  /**
   * Has a function called with the topic of each retained message that comes, changes or goes.
   *
   * @returns Ends it.
   */
  watchRetained(watcher: (topic: string) => void): () => void {
    const { retainedWatchers } = this.#parts;
    retainedWatchers.add(watcher);
    return () => void retainedWatchers.delete(watcher);
  }

  /**
   * Deletes the retained message of a topic. Subscribers receive nothing.
   *
   * @returns False if there is none.
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
   * Adds hooks that are called beside those of the program.
   *
   * @returns Removes them again.
   */
  observe(hooks: BrokerHooks): () => void {
    return this.#parts.context.observe(hooks);
  }

  /** Reports an internal error. */
  reportError(error: unknown): void {
    this.#parts.context.reportError(error);
  }
}
