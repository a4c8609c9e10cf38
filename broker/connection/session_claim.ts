/**
 * Waits for everything that must happen before a client gets its session, mainly the end of the
 * connection that has it now.
 */
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
 * Counts the take-over of a session, if there is one.
 *
 * @returns A delay to wait for if take-overs happen too often; `null` for none.
 */
export function countTakeover(
  { host, peer, policy }: ClientConnection,
  { client: { clientId } }: Admission,
): PromiseLike<void> | ConnectRefusal | null {
  if (policy.peer !== null || !host.sessions.get(clientId)?.link) return null;
  const wait = host.limiters.takeovers.takesOver(clientId, peer.address);
  return wait === "refused" ? TAKEN_OVER_TOO_OFTEN : wait;
}

/** One client's claim on the session of its identifier. */
export class SessionClaim {
  readonly #connection: ClientConnection;
  readonly #admission: Admission;
  /** The session whose subscriptions were checked with the authorizer. */
  #asked: Session | null = null;

  constructor(connection: ClientConnection, admission: Admission) {
    this.#connection = connection;
    this.#admission = admission;
  }

  /**
   * A promise to wait for before the client can have the session, if any. Call it again after each
   * wait, until it returns `null`, because another obstacle may have appeared meanwhile.
   *
   * First the connection that has the session ends [MQTT-3.1.4-3]. Then the authorizer is asked
   * about the subscriptions, because the client may be another one, or may have fewer permissions.
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
