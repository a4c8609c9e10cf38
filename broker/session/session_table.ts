/** All sessions by client identifier, from their creation to their end. */
import {
  DURABLE_SESSION_BYTES,
  SESSION_BYTES,
  SESSION_STATE_BYTES,
  textBytes,
} from "../base/memory_costs.ts";
import { isNodeClientId } from "../base/node_peer.ts";
import { mapKey } from "../../router/map_key.ts";
import { WideMap } from "../../router/wide_map.ts";
import type { InflightMessage } from "./inflight_message.ts";
import { Wills } from "./wills.ts";
import type { SessionHost } from "./session_host.ts";
import { SessionCleanup } from "./session_cleanup.ts";
import { type SessionEnder, SessionExpiry } from "./session_expiry.ts";
import { NEVER_EXPIRES, Session } from "./session.ts";

/** The memory of a session, in bytes, without its will and its waiting messages. */
function sessionBytes(session: Pick<Session, "clientId" | "username" | "isDurable">): number {
  const { clientId, username, isDurable } = session;
  const state = isDurable ? SESSION_STATE_BYTES + DURABLE_SESSION_BYTES : SESSION_STATE_BYTES;
  return SESSION_BYTES + state + 2 * textBytes(clientId) + textBytes(username ?? "");
}

/**
 * The cost of handing one message to another member of a shared group, in units of the turn budget.
 */
const UNITS_PER_HANDOVER = 4;

/** Every session by client identifier, and when each ends. */
export class SessionTable implements SessionEnder {
  /** Wills of sessions that are connected, or were. */
  readonly wills: Wills;
  readonly #host: SessionHost;
  /** By the `mapKey()` of the client identifier. */
  readonly #sessions = new WideMap<Session>();
  readonly #ended: SessionCleanup;
  #bytes = 0;
  /** How many sessions are those of other nodes. */
  #nodes = 0;

  constructor(host: SessionHost) {
    this.#host = host;
    this.wills = new Wills(host);
    this.#ended = new SessionCleanup(host.context.turns, host.router);
  }

  /** How many sessions there are, connected or not. */
  get size(): number {
    return this.#sessions.size;
  }

  /** How many of them are those of clients, and not of other nodes. */
  get clients(): number {
    return this.#sessions.size - this.#nodes;
  }

  /** The memory of all sessions and wills, in bytes, without waiting messages. */
  get bytes(): number {
    return this.#bytes + this.wills.bytes;
  }

  /** The session of a client. */
  get(clientId: string): Session | undefined {
    return this.#sessions.get(mapKey(clientId));
  }

  /** Every session; they may come and go during the walk. */
  values(): Generator<Session> {
    return this.#sessions.values();
  }

  /**
   * Creates a session for a client that has none.
   *
   * @param outlives Whether it outlives its connection, and so must survive a
   * restart where there is a store.
   */
  create(clientId: string, outlives: boolean): Session {
    const host = this.#host;
    const session = new Session(host, clientId, (owner) => host.newQueue(owner, outlives));
    this.#add(session);
    session.queue.markChanged();
    return session;
  }

  /** Sets the user name of the client of a session; `null` for none. */
  setUser(session: Session, username: string | null): void {
    if (username === session.username) return;
    if (this.get(session.clientId) === session) {
      this.#bytes += textBytes(username ?? "") - textBytes(session.username ?? "");
    }
    session.username = username;
  }

  /** Adds a session from the store. */
  restore(session: Session): void {
    this.#add(session);
  }

  #add(session: Session): void {
    const { clientId } = session;
    this.#sessions.set(mapKey(clientId), session);
    this.#bytes += sessionBytes(session);
    if (isNodeClientId(clientId)) this.#nodes++;
  }

  /** The session continues with a connection: clears its deadlines [MQTT-3.1.3-9]. */
  resume(session: Session): void {
    const { scheduler } = this.#host.context;
    if (session.expiryDeadline !== null) scheduler.clear(session.expiryDeadline);
    this.wills.set(session, null);
  }

  /**
   * The session has lost its connection.
   *
   * @param keepsWill Whether the will is published, at once or after its delay; otherwise it is
   * deleted [MQTT-3.14.4-3].
   */
  suspend(session: Session, keepsWill: boolean): void {
    session.detach();
    if (session.hasEnded) return;
    if (!keepsWill) this.wills.set(session, null);
    const now = this.#host.context.clock.now();
    const delay = session.will?.will.properties.willDelayInterval ?? 0;
    this.wait(session, now, now + delay * 1000);
  }

  /**
   * Sets the times at which a session without a connection ends, and its will is published.
   *
   * @param sinceMs When the session lost its connection.
   * @param willMs When its will is due.
   */
  wait(session: Session, sinceMs: number, willMs: number): void {
    const { scheduler } = this.#host.context;
    if (session.expirySeconds === 0) return this.end(session);
    if (session.will !== null) this.wills.publishAt(session.will, willMs);
    if (session.expirySeconds === NEVER_EXPIRES) return;
    session.expiryDeadline ??= new SessionExpiry(this, session);
    scheduler.set(session.expiryDeadline, sinceMs + session.expirySeconds * 1000);
  }

  /** Ends a session. A will that waits is published, because it must not wait longer. */
  end(session: Session): void {
    if (session.hasEnded) return;
    const { scheduler } = this.#host.context;
    const key = mapKey(session.clientId);
    if (this.#sessions.get(key) === session) {
      this.#sessions.delete(key);
      this.#bytes -= sessionBytes(session);
      if (isNodeClientId(session.clientId)) this.#nodes--;
    }
    if (session.expiryDeadline !== null) scheduler.clear(session.expiryDeadline);
    const left = session.end();
    this.#ended.add(session);
    this.#handOver(left, session.clientId);
    if (session.will !== null) this.wills.publish(session.will);
  }

  /** Hands the messages that a session leaves to other members of its shared groups, in turns. */
  #handOver(left: IterableIterator<InflightMessage | null>, clientId: string): void {
    const { delivery, context: { turns } } = this.#host;
    const handed = turns.inTurns(() => {
      const { value: sent, done } = left.next();
      if (done) return 0;
      const message = sent?.message ?? null;
      if (message !== null && !delivery.handOver(message, sent!.variant.shared!)) {
        this.#host.context.reportDrop("session-ended", message, clientId);
      }
      return UNITS_PER_HANDOVER;
    });
    handed?.then(undefined, (error) => this.#host.context.reportError(error));
  }

  /** Stops all work for sessions that have ended. */
  stop(): void {
    this.#ended.clear();
  }

  /** Ends a session that was away for too long. */
  expire(session: Session): void {
    this.#host.context.stats.sessionsExpired++;
    this.end(session);
  }
}
