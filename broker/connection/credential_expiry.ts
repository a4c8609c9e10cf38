/** What an authentication grants, and the deadline at which it expires. */
import type { Grant } from "../../auth/authenticator.ts";
import type { Authorizer } from "../../auth/authorizer.ts";
import { everyAuthorizer } from "../../auth/chain.ts";
import { ReasonCode } from "../../codec/mod.ts";
import type { ClientConnection } from "./client_connection.ts";
import { Deadline } from "../base/scheduler.ts";

/** The grant of a client: its permissions, and the time at which they expire. */
export class Granted {
  readonly #connection: ClientConnection;
  /** Decides about the permissions of the client. */
  readonly authorizer: Authorizer | null;
  readonly #expiresAtMs: number;
  readonly #deadline: Deadline;

  constructor(connection: ClientConnection, grant: Grant) {
    this.#connection = connection;
    const { authorizer } = connection.policy;
    this.authorizer = grant.authorizer === undefined
      ? authorizer
      : authorizer === null
      ? grant.authorizer
      : everyAuthorizer(authorizer, grant.authorizer);
    this.#expiresAtMs = grant.expiresAtMs ?? Infinity;
    this.#deadline = new Deadline(() => this.#due());
    this.#watch();
  }

  /**
   * Replaces the grant of a client.
   *
   * @returns Whether the grant is in effect: false if it has expired, or its time is no number.
   */
  static grant(connection: ClientConnection, grant: Grant): boolean {
    const { expiresAtMs = Infinity, authorizer } = grant;
    // Written so that NaN counts as expired.
    if (!(expiresAtMs > connection.context.settings.wallClock())) return false;
    connection.granted?.end();
    const isUnbounded = expiresAtMs === Infinity && authorizer === undefined;
    connection.granted = isUnbounded ? null : new Granted(connection, grant);
    return true;
  }

  /** Clears the deadline, because the connection has ended or has another grant. */
  end(): void {
    this.#connection.context.scheduler.clear(this.#deadline);
  }

  #watch(): void {
    const { clock, scheduler, settings } = this.#connection.context;
    if (this.#expiresAtMs === Infinity) return;
    scheduler.set(this.#deadline, clock.now() + this.#expiresAtMs - settings.wallClock());
  }

  #due(): void {
    const { settings, stats } = this.#connection.context;
    // The time of day may have been set back meanwhile.
    if (settings.wallClock() < this.#expiresAtMs) return this.#watch();
    if (!this.#connection.isOpen) return;
    stats.authenticationsExpired++;
    this.#connection.disconnect(ReasonCode.NotAuthorized, "Authentication has expired");
  }
}
