import type { Will } from "../codec/mod.ts";
import { mapKey } from "../router/map_key.ts";
import { WideMap } from "../router/wide_map.ts";
import { AskedWills } from "./asked_wills.ts";
import type { Core } from "./core.ts";
import { EndedSessions } from "./ended_sessions.ts";
import { Deadline } from "./scheduler.ts";
import { NEVER_EXPIRES, Session } from "./session.ts";
import { messageOfWill } from "./will.ts";

/** Every session by client identifier, and when each ends. */
export class SessionTable {
  readonly #core: Core;
  /** By the `mapKey()` of the client identifier. */
  readonly #sessions = new WideMap<Session>();
  readonly #wills: AskedWills;
  readonly #ended: EndedSessions;

  constructor(core: Core) {
    this.#core = core;
    this.#wills = new AskedWills(core);
    this.#ended = new EndedSessions(core.clock, core.router);
  }

  /** How many sessions there are, connected or not. */
  get size(): number {
    return this.#sessions.size;
  }

  /** The session of a client. */
  get(clientId: string): Session | undefined {
    return this.#sessions.get(mapKey(clientId));
  }

  /** Every session; they may come and go during the walk. */
  values(): Generator<Session> {
    return this.#sessions.values();
  }

  /** Makes a session for a client that has none. */
  create(clientId: string): Session {
    const session = new Session(this.#core, clientId);
    this.#sessions.set(mapKey(clientId), session);
    return session;
  }

  /** The session goes on with a connection: nothing of it is due any more [MQTT-3.1.3-9]. */
  resume(session: Session): void {
    const { scheduler } = this.#core;
    if (session.willDeadline !== null) scheduler.clear(session.willDeadline);
    if (session.expiryDeadline !== null) scheduler.clear(session.expiryDeadline);
    session.will = null;
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
    if (!keepsWill) session.will = null;
    const { scheduler, clock } = this.#core;
    const now = clock.now();
    const delay = session.will?.properties.willDelayInterval ?? 0;
    if (session.expirySeconds === 0) return this.end(session);
    if (session.will !== null) {
      if (delay === 0) this.#publishWill(session);
      else {
        session.willDeadline ??= new Deadline(() => this.#publishWill(session));
        scheduler.set(session.willDeadline, now + delay * 1000);
      }
    }
    if (session.expirySeconds === NEVER_EXPIRES) return;
    session.expiryDeadline ??= new Deadline(() => this.#expire(session));
    scheduler.set(session.expiryDeadline, now + session.expirySeconds * 1000);
  }

  /** Ends a session; a will that waits is published, since it must not wait longer. */
  end(session: Session): void {
    if (session.hasEnded) return;
    const { scheduler, delivery } = this.#core;
    const key = mapKey(session.clientId);
    if (this.#sessions.get(key) === session) this.#sessions.delete(key);
    if (session.willDeadline !== null) scheduler.clear(session.willDeadline);
    if (session.expiryDeadline !== null) scheduler.clear(session.expiryDeadline);
    const orphans = session.end();
    this.#ended.add(session);
    for (const { message, variant } of orphans) {
      if (!delivery.handOver(message, variant.shared!)) {
        this.#core.dropped("session-ended", message, session.clientId);
      }
    }
    this.#publishWill(session);
  }

  /** Does nothing more about sessions that have ended. */
  stop(): void {
    this.#ended.clear();
  }

  #expire(session: Session): void {
    this.#core.stats.sessionsExpired++;
    this.end(session);
  }

  #publishWill(session: Session): void {
    const will: Will | null = session.will;
    if (will === null) return;
    session.will = null;
    const route = this.#core.router.routeOf(will.topic);
    if (route === null) return;
    const { clientId, access } = session;
    const message = messageOfWill(will, route, clientId, this.#core.clock.now());
    if (access === null) this.#core.publish(route, message, clientId);
    else this.#wills.publish(route, message, clientId, access);
  }
}
