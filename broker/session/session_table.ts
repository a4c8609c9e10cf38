import {
  DURABLE_SESSION_BYTES,
  SESSION_BYTES,
  SESSION_STATE_BYTES,
  textBytes,
  USER_PROPERTY_BYTES,
  WILL_BYTES,
} from "../base/memory_costs.ts";
import type { Will } from "../../codec/mod.ts";
import { mapKey } from "../../router/map_key.ts";
import { WideMap } from "../../router/wide_map.ts";
import type { InflightMessage } from "./inflight_message.ts";
import { WillAuthorization } from "./will_authorization.ts";
import type { SessionHost } from "./session_host.ts";
import { SessionCleanup } from "./session_cleanup.ts";
import { Deadline } from "../base/scheduler.ts";
import { NEVER_EXPIRES, Session } from "./session.ts";
import { messageOfWill } from "./will_message.ts";

/** How long a will waits that the store cannot take, before it is tried again, in milliseconds. */
const WILL_RETRY_MS = 1000;

/** What a session costs in memory, in bytes, without its will and what waits for it. */
function sessionBytes(session: Pick<Session, "clientId" | "username" | "isDurable">): number {
  const { clientId, username, isDurable } = session;
  const state = isDurable ? SESSION_STATE_BYTES + DURABLE_SESSION_BYTES : SESSION_STATE_BYTES;
  return SESSION_BYTES + state + 2 * textBytes(clientId) + textBytes(username ?? "");
}

/** What a will costs in memory, in bytes. */
export function willBytes(will: Will | null): number {
  return will === null ? 0 : WILL_BYTES + 2 * will.topic.length + will.payload.length +
    propertiesBytes(will.properties);
}

/** What the properties of a will take, in bytes: as much as in a packet, and for texts twice. */
function propertiesBytes(properties: Will["properties"]): number {
  let bytes = (properties.correlationData?.length ?? 0) + (properties.contentType?.length ?? 0) +
    (properties.responseTopic?.length ?? 0);
  for (const [name, value] of properties.userProperties ?? []) {
    bytes += USER_PROPERTY_BYTES + name.length + value.length;
  }
  return bytes;
}
/** What it costs to give one message to another of a shared group, in units of the budget. */
const UNITS_PER_ORPHAN = 4;

/** Every session by client identifier, and when each ends. */
export class SessionTable {
  readonly #host: SessionHost;
  /** By the `mapKey()` of the client identifier. */
  readonly #sessions = new WideMap<Session>();
  readonly #wills: WillAuthorization;
  readonly #ended: SessionCleanup;
  #bytes = 0;
  /** How many wills wait for room in the store. */
  #postponed = 0;

  constructor(host: SessionHost) {
    this.#host = host;
    this.#wills = new WillAuthorization(host);
    this.#ended = new SessionCleanup(host.context.turns, host.router);
  }

  /** How many sessions there are, connected or not. */
  get size(): number {
    return this.#sessions.size;
  }

  /** What they cost in memory, in bytes, wills included, without what waits for them. */
  get bytes(): number {
    return this.#bytes;
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
   * Makes a session for a client that has none.
   *
   * @param outlives Whether it outlives its connection, and so must survive a
   * restart where there is a store.
   */
  create(clientId: string, outlives: boolean): Session {
    const host = this.#host;
    const session = new Session(host, clientId, (owner) => host.newQueue(owner, outlives));
    this.#sessions.set(mapKey(clientId), session);
    this.#bytes += sessionBytes(session);
    session.queue.changed();
    return session;
  }

  /** Says whose session it is: the user name of its client; `null` for none. */
  setUser(session: Session, username: string | null): void {
    if (username === session.username) return;
    if (this.get(session.clientId) === session) {
      this.#bytes += textBytes(username ?? "") - textBytes(session.username ?? "");
    }
    session.username = username;
  }

  /** Takes a session that was in the store. */
  restore(session: Session): void {
    this.#sessions.set(mapKey(session.clientId), session);
    this.#bytes += sessionBytes(session);
  }

  /** Takes a will that was in the store. */
  restoreWill(session: Session, will: Will): void {
    session.will = will;
    this.#bytes += willBytes(will);
  }

  /** Sets the will of a session, or, with `null`, forgets it. */
  setWill(session: Session, will: Will | null): void {
    this.#bytes += willBytes(will) - willBytes(session.will);
    session.will = will;
    this.#host.journal?.willChanged(session);
  }

  /** The session goes on with a connection: nothing of it is due any more [MQTT-3.1.3-9]. */
  resume(session: Session): void {
    const { scheduler } = this.#host.context;
    if (session.willDeadline !== null) scheduler.clear(session.willDeadline);
    if (session.expiryDeadline !== null) scheduler.clear(session.expiryDeadline);
    this.setWill(session, null);
  }

  /**
   * The session has lost its connection.
   *
   * @param keepsWill Whether the will is to be published, at once or after its
   * delay; otherwise it is forgotten [MQTT-3.14.4-3].
   */
  suspend(session: Session, keepsWill: boolean): void {
    session.detach();
    if (session.hasEnded) return;
    if (!keepsWill) this.setWill(session, null);
    const now = this.#host.context.clock.now();
    const delay = session.will?.properties.willDelayInterval ?? 0;
    this.wait(session, now, now + delay * 1000);
  }

  /**
   * Has a session without a connection end, and its will published, when they are due.
   *
   * @param sinceMs When it lost its connection.
   * @param willMs When its will is due.
   */
  wait(session: Session, sinceMs: number, willMs: number): void {
    const { scheduler, clock } = this.#host.context;
    if (session.expirySeconds === 0) return this.end(session);
    if (session.will !== null) {
      if (willMs <= clock.now()) this.#publishWill(session);
      else {
        session.willDeadline ??= new Deadline(() => this.#publishWill(session));
        scheduler.set(session.willDeadline, willMs);
        this.#host.journal?.willChanged(session);
      }
    }
    if (session.expirySeconds === NEVER_EXPIRES) return;
    session.expiryDeadline ??= new Deadline(() => this.#expire(session));
    scheduler.set(session.expiryDeadline, sinceMs + session.expirySeconds * 1000);
  }

  /** Ends a session; a will that waits is published, since it must not wait longer. */
  end(session: Session): void {
    if (session.hasEnded) return;
    const { scheduler } = this.#host.context;
    const key = mapKey(session.clientId);
    if (this.#sessions.get(key) === session) {
      this.#sessions.delete(key);
      this.#bytes -= sessionBytes(session);
    }
    if (session.willDeadline !== null) scheduler.clear(session.willDeadline);
    if (session.expiryDeadline !== null) scheduler.clear(session.expiryDeadline);
    const orphans = session.end();
    this.#ended.add(session);
    if (orphans.length > 0) this.#handOver(orphans, session.clientId);
    this.#publishWill(session);
  }

  /** Gives what a session leaves behind to others of its shared groups: it may be very much. */
  #handOver(orphans: readonly InflightMessage[], clientId: string): void {
    const { delivery, context: { turns } } = this.#host;
    let i = 0;
    const handed = turns.inTurns(() => {
      const orphan = orphans[i++];
      if (orphan === undefined) return 0;
      const { message, variant } = orphan;
      if (message !== null && !delivery.handOver(message, variant.shared!)) {
        this.#host.context.dropped("session-ended", message, clientId);
      }
      return UNITS_PER_ORPHAN;
    });
    handed?.then(undefined, (error) => this.#host.context.failed(error));
  }

  /** Does nothing more about sessions that have ended. */
  stop(): void {
    this.#ended.clear();
  }

  #expire(session: Session): void {
    this.#host.context.stats.sessionsExpired++;
    this.end(session);
  }

  #publishWill(session: Session): void {
    const { will, clientId, access } = session;
    if (will === null) return;
    const route = this.#host.router.routeOf(will.topic);
    if (route === null) return this.setWill(session, null);
    const message = messageOfWill(will, route, clientId, this.#host.context.clock.now());
    if (this.#host.publisher.cannotStore(route, message) && this.#postpone(session)) return;
    this.#wills.publish(route, message, clientId, access, (isLater) => {
      // Its row stays until it is published, whatever becomes of its session meanwhile.
      const heir = isLater ? this.#inherit(session) : session;
      if (isLater) this.#host.journal?.willChanged(heir);
      return () => this.setWill(heir, null);
    });
  }

  /**
   * Has a will wait that is due and that the store cannot take, whatever
   * becomes of its session meanwhile; until then its row stays.
   *
   * @returns False if too many wait.
   */
  #postpone(session: Session): boolean {
    const { limits, scheduler, clock } = this.#host.context;
    const { journal } = this.#host;
    if (this.#postponed >= limits.willsAskedMax) return false;
    this.#postponed++;
    const heir = this.#inherit(session);
    heir.willDeadline = new Deadline(() => {
      this.#postponed--;
      this.#publishWill(heir);
    });
    scheduler.set(heir.willDeadline, clock.now() + WILL_RETRY_MS);
    journal!.willChanged(heir);
    return true;
  }

  /** Takes the will of a session to one that is there for nothing else. */
  #inherit(session: Session): Session {
    const host = this.#host;
    const heir = new Session(host, session.clientId, (owner) => host.newQueue(owner, false));
    heir.will = session.will;
    heir.willId = session.willId;
    heir.username = session.username;
    heir.permit(session.access);
    session.will = null;
    session.willId = 0;
    return heir;
  }
}
