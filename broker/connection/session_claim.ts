/** What a client waits for before it gets its session: mainly the connection that has it now. */
import { ReasonCode } from "../../codec/mod.ts";
import type { Session } from "../session/session.ts";
import type { ClientConnection } from "./client_connection.ts";
import type { Admission } from "./connect_admission.ts";
import { ConnectRefusal } from "./connect_refusal.ts";
import { askAgain } from "./reauthorization.ts";

const TAKEN_OVER_TOO_OFTEN = new ConnectRefusal(
  ReasonCode.ConnectionRateExceeded,
  "Another client with this identifier connects again and again",
);

/**
 * Counts that a client takes a session from another connection, if it does.
 *
 * @returns What it waits for first, if that happens too often; `null` for nothing.
 */
export function countTakeover(
  { host, peer }: ClientConnection,
  { client: { clientId } }: Admission,
): PromiseLike<void> | ConnectRefusal | null {
  if (!host.sessions.get(clientId)?.link) return null;
  const wait = host.limiters.takeovers.takesOver(clientId, peer.address);
  return wait === "refused" ? TAKEN_OVER_TOO_OFTEN : wait;
}

/** One client's claim on the session of its identifier. */
export class SessionClaim {
  readonly #connection: ClientConnection;
  readonly #admission: Admission;
  /** The session about whose subscriptions the authorizer was asked. */
  #asked: Session | null = null;

  constructor(connection: ClientConnection, admission: Admission) {
    this.#connection = connection;
    this.#admission = admission;
  }

  /**
   * What the client has to wait for before it can have the session, if anything. To be asked again
   * after each wait, since another obstacle may have come up during it, until it returns `null`.
   *
   * The connection that has the session ends first [MQTT-3.1.4-3]. Then the authorizer is asked
   * about the subscriptions: the client may be another one by now, or may do less.
   */
  obstacle(): Promise<unknown> | null {
    const { host } = this.#connection;
    const { client, access, packet } = this.#admission;
    const session = host.sessions.get(client.clientId);
    if (session === undefined) return null;
    const holder = session.link as ClientConnection | null;
    if (holder !== null) return holder.takeOver();
    if (access === null || packet.cleanStart || session === this.#asked) return null;
    this.#asked = session;
    return askAgain(host, session, access);
  }
}
