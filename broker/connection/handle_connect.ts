/** Accepts or refuses a client: the steps from its CONNECT to CONNACK, in order. */
import type { ConnectRequest } from "../../auth/authenticator.ts";
import {
  type AuthPacket,
  type ConnectPacket,
  decodeConnect,
  type PacketError,
  ReasonCode,
  UnsupportedVersionError,
} from "../../codec/mod.ts";
import type { ClientConnection, ConnectHandler } from "./client_connection.ts";
import { identify } from "./client_identity.ts";
import { admit } from "./connect_admission.ts";
import {
  authenticate,
  type Authenticated,
  beginAuthentication,
  continueAuthentication,
  countFailedLogin,
  requestOf,
} from "./connect_authentication.ts";
import { checkConnect } from "./connect_checks.ts";
import { ConnectRefusal } from "./connect_refusal.ts";
import { refuseControlCharacters } from "./control_characters.ts";
import { checkAuth, reauthenticate } from "./handle_auth.ts";
import { ownWill } from "./own_will.ts";
import { sendRefusal } from "./reason_packets.ts";
import { attachSession, checkStorable, storeSession } from "./session_attachment.ts";
import { countTakeover, SessionClaim } from "./session_claim.ts";

const TOO_MANY_LOGINS = new ConnectRefusal(
  ReasonCode.ConnectionRateExceeded,
  "Too many logins from this address have failed",
);
const UNDECIDED = new ConnectRefusal(
  ReasonCode.ServerUnavailable,
  "Nothing can be decided about this client now",
);

/**
 * One attempt of a client to connect. Each step is a function in a file of its own. It returns an
 * immutable value that the next steps need, or a refusal. This class runs the steps, and checks
 * after each step whether the connection is still open.
 */
export class ConnectAttempt implements ConnectHandler {
  readonly #connection: ClientConnection;
  /** The CONNECT in progress; `null` before and after. */
  #packet: ConnectPacket | null = null;
  /** The request for the authenticator; kept for clients that may authenticate again. */
  #request: ConnectRequest | null = null;

  constructor(connection: ClientConnection) {
    this.#connection = connection;
  }

  /**
   * Handles the CONNECT.
   *
   * @throws {PacketError} If it is ill-formed.
   */
  connect(first: number, body: Uint8Array): PromiseLike<void> {
    const connection = this.#connection;
    const packet = this.#packet = this.#decode(first, body);
    const request = this.#check(packet);
    if (this.#isOver(request)) return Promise.resolve();
    const { mount } = connection.policy;
    const will = mount === null || packet.will === null
      ? packet.will
      : { ...packet.will, topic: mount.topic(packet.will.topic) };
    const { authenticationMethod: method, authenticationData: data = null } = packet.properties;
    if (method === undefined) {
      this.#packet = { ...packet, will };
      this.#request = request;
      return this.#goOn(authenticate(connection, request));
    }
    // More bytes are read before the decision, and would overwrite the bytes that the packet has
    // borrowed.
    this.#packet = { ...packet, will: ownWill(will), password: null };
    this.#request = { ...request, password: request.password?.slice() ?? null };
    return this.#goOn(beginAuthentication(connection, this.#request, method, data));
  }

  /** Handles an AUTH of a client that is being authenticated [MQTT-4.12.0-3]. */
  auth(packet: AuthPacket): PromiseLike<void> {
    const connection = this.#connection;
    checkAuth(connection, packet, ReasonCode.ContinueAuthentication);
    const data = packet.properties.authenticationData ?? null;
    return this.#goOn(continueAuthentication(connection, data));
  }

  /** Handles an AUTH of a client that was accepted (§4.12.1). */
  reauthenticate(packet: AuthPacket): Promise<void> {
    return reauthenticate(this.#connection, this.#request!, packet);
  }

  /** Refuses a client whose CONNECT, or next packet, violates the protocol. */
  refuseFaulty(error: PacketError): void {
    const connection = this.#connection;
    const refusal = new ConnectRefusal(error.reasonCode, error.message);
    if (error instanceof UnsupportedVersionError && this.#packet === null) {
      // In the version that the client most likely understands [MQTT-3.1.2-2].
      const version = error.answerVersion;
      connection.speak({ version, isBridge: false, wantsReasons: true, wire: connection.wire });
      this.#refuse(refusal);
    } else if (connection.version === 5) this.#refuse(refusal);
    // 3.x has no return code for this [MQTT-3.1.4-1].
    else connection.disconnect(error.reasonCode);
  }

  /** Refuses a client because the broker, or a function of the program, has failed. */
  refuseUndecided(): void {
    if (this.#connection.isOpen) this.#refuse(UNDECIDED);
  }

  /** Step 1: decodes the packet, and sets the protocol of the client. */
  #decode(first: number, body: Uint8Array): ConnectPacket {
    const connection = this.#connection;
    const { leniency, mount, packetBytesMax } = connection.policy;
    const packet = decodeConnect(first, body, leniency);
    if (connection.policy.refuseControlCharacters) refuseControlCharacters(packet);
    const { protocolVersion: version, properties } = packet;
    connection.speak({
      version,
      isBridge: packet.isBridge === true,
      wantsReasons: properties.requestProblemInformation ?? true,
      wire: {
        v5: version === 5,
        packetBytesMax: Math.min(properties.maximumPacketSize ?? Infinity, packetBytesMax),
        isOwn: mount !== null || connection.context.settings.deliver !== null,
      },
    });
    // On a lenient listener a session without a client identifier is clean, because it cannot be
    // resumed.
    const isNameless = version === 4 && packet.clientId === "" && !packet.cleanStart;
    if (leniency === null || !isNameless) return packet;
    leniency.overlook("empty-client-id");
    return { ...packet, cleanStart: true };
  }

  /** Step 2: checks the packet, and determines the names of the client. */
  #check(packet: ConnectPacket): ConnectRequest | ConnectRefusal {
    const connection = this.#connection;
    const { host, peer } = connection;
    if (!host.limiters.logins.mayTry(peer.address)) return TOO_MANY_LOGINS;
    const identity = checkConnect(connection, packet) ?? identify(connection, packet);
    if (identity instanceof ConnectRefusal) return identity;
    return requestOf(connection, packet, identity);
  }

  /** Step 3: waits for the authentication. It may take several AUTH packets. */
  async #goOn(authentication: Promise<Authenticated | ConnectRefusal | null>): Promise<void> {
    const connection = this.#connection;
    const authenticated = await authentication;
    if (!connection.isOpen || authenticated === null) return;
    if (authenticated instanceof ConnectRefusal) {
      await countFailedLogin(connection, this.#request!, authenticated);
      this.#isOver(authenticated);
    } else await this.#accept(authenticated);
  }

  /** Steps 4 to 8: admission, the claim on the session, the session, CONNACK, and the commit. */
  async #accept(authenticated: Authenticated): Promise<void> {
    const connection = this.#connection;
    const admission = await admit(connection, this.#packet!, this.#request!, authenticated);
    if (this.#isOver(admission) || this.#isOver(checkStorable(connection, admission))) return;

    const delay = countTakeover(connection, admission);
    if (this.#isOver(delay)) return;
    if (delay !== null) await delay;

    const claim = new SessionClaim(connection, admission);
    while (connection.isOpen) {
      const obstacle = claim.obstacle();
      if (obstacle === null) break;
      await obstacle;
    }
    if (!connection.isOpen) return;

    const attachment = attachSession(connection, admission);
    if (this.#isOver(attachment)) return;
    this.#packet = null;
    // Only clients that can authenticate again still need this object.
    if (connection.auth === null) connection.flow = null;

    if (attachment.commit !== null) {
      const isStored = await storeSession(connection, attachment, attachment.commit);
      if (isStored instanceof ConnectRefusal) return this.#refuse(isStored);
      if (!isStored || !connection.isOpen) return;
    }
    connection.onAccepted(admission.client);
  }

  /** Whether the attempt is over: the client is refused, or its connection has ended. */
  #isOver<T>(result: T | ConnectRefusal): result is ConnectRefusal {
    if (!this.#connection.isOpen) return true;
    if (!(result instanceof ConnectRefusal)) return false;
    this.#refuse(result);
    return true;
  }

  /** Sends the CONNACK of a refusal, and closes [MQTT-3.2.2-7]. */
  #refuse({ reasonCode, reasonString }: ConnectRefusal): void {
    const connection = this.#connection;
    const { context, peer } = connection;
    context.stats.connectsRefused++;
    const clientId = this.#request?.clientId ?? this.#packet?.clientId ?? null;
    context.guard(() => context.hooks.refused?.(peer.address, clientId, reasonCode));
    sendRefusal(connection, reasonCode, reasonString);
    connection.disconnect(reasonCode, undefined, "none");
  }
}
