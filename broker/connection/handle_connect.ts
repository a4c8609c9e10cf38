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
import type { Commit } from "../base/commit.ts";
import type { ClientConnection, ConnectHandler } from "./client_connection.ts";
import { identify } from "./client_identity.ts";
import { type Admission, admit } from "./connect_admission.ts";
import {
  authenticate,
  type Authenticated,
  type AuthenticationResult,
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
import {
  type Attachment,
  attachSession,
  checkStorable,
  storeSession,
} from "./session_attachment.ts";
import { countTakeover, SessionClaim } from "./session_claim.ts";
import { sharedWire } from "../delivery/subscriber.ts";

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
  connect(first: number, body: Uint8Array): PromiseLike<void> | null {
    const connection = this.#connection;
    const packet = this.#packet = this.#decode(first, body);
    const request = this.#check(packet);
    if (this.#isOver(request)) return null;
    this.#request = request;
    const { mount } = connection.policy;
    if (mount !== null && packet.will !== null) {
      packet.will = { ...packet.will, topic: mount.topic(packet.will.topic) };
    }
    const { authenticationMethod: method, authenticationData: data } = packet.properties;
    return this.#goOn(
      method === undefined
        ? authenticate(connection, request)
        : beginAuthentication(connection, request, method, data?.slice() ?? null),
    );
  }

  /** Handles an AUTH of a client that is being authenticated [MQTT-4.12.0-3]. */
  auth(packet: AuthPacket): PromiseLike<void> | null {
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
    const { leniency, mount, packetBytesMax, peer } = connection.policy;
    const packet = decodeConnect(first, body, leniency);
    if (connection.policy.refuseControlCharacters) refuseControlCharacters(packet);
    const { protocolVersion: version, properties } = packet;
    connection.speak({
      version,
      isBridge: packet.isBridge === true,
      wantsReasons: properties.requestProblemInformation ?? true,
      wire: sharedWire(
        version === 5,
        Math.min(properties.maximumPacketSize ?? Infinity, packetBytesMax),
        mount !== null || (connection.context.settings.deliver !== null && peer === null),
        peer !== null,
      ),
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

  /** Step 3: waits for the authentication if it is a promise. It may take several AUTH packets. */
  #goOn(
    authentication: AuthenticationResult | Promise<AuthenticationResult>,
  ): PromiseLike<void> | null {
    if (!(authentication instanceof Promise)) return this.#onAuthenticated(authentication);
    this.#ownPacket();
    return authentication.then(async (result) => {
      await this.#onAuthenticated(result);
    });
  }

  #onAuthenticated(result: AuthenticationResult): PromiseLike<void> | null {
    const connection = this.#connection;
    if (!connection.isOpen) return null;
    // More is read until the client has sent its AUTH.
    if (result === null) this.#ownPacket();
    else if (!(result instanceof ConnectRefusal)) return this.#accept(result);
    else {
      const delay = countFailedLogin(connection, this.#request!, result);
      if (delay !== null) return delay.then(() => void this.#isOver(result));
      this.#isOver(result);
    }
    return null;
  }

  /** Steps 4 to 8: admission, the claim on the session, the session, CONNACK, and the commit. */
  #accept(authenticated: Authenticated): PromiseLike<void> | null {
    const admission = admit(this.#connection, this.#packet!, this.#request!, authenticated);
    if (!(admission instanceof Promise)) return this.#onAdmitted(admission);
    this.#ownPacket();
    return admission.then(async (result) => {
      await this.#onAdmitted(result);
    });
  }

  #onAdmitted(admission: Admission | ConnectRefusal): PromiseLike<void> | null {
    const connection = this.#connection;
    if (this.#isOver(admission) || this.#isOver(checkStorable(connection, admission))) return null;
    const delay = countTakeover(connection, admission);
    if (this.#isOver(delay)) return null;
    const claim = new SessionClaim(connection, admission);
    const wait = delay ?? claim.obstacle();
    return wait === null ? this.#attach(admission) : this.#claim(claim, admission, wait);
  }

  /** Waits until nothing keeps the client from its session. */
  async #claim(
    claim: SessionClaim,
    admission: Admission,
    first: PromiseLike<unknown>,
  ): Promise<void> {
    const connection = this.#connection;
    this.#ownPacket();
    for (let wait: PromiseLike<unknown> | null = first; wait !== null;) {
      await wait;
      if (!connection.isOpen) return;
      wait = claim.obstacle();
    }
    await this.#attach(admission);
  }

  #attach(admission: Admission): PromiseLike<void> | null {
    const connection = this.#connection;
    const attachment = attachSession(connection, admission);
    if (this.#isOver(attachment)) return null;
    this.#packet = null;
    // Only clients that can authenticate again still need this object.
    if (connection.auth === null) connection.flow = null;
    if (attachment.commit !== null) return this.#store(admission, attachment, attachment.commit);
    connection.onAccepted(admission.client);
    return null;
  }

  async #store({ client }: Admission, attachment: Attachment, commit: Commit): Promise<void> {
    const connection = this.#connection;
    const isStored = await storeSession(connection, attachment, commit);
    if (isStored instanceof ConnectRefusal) return this.#refuse(isStored);
    if (isStored && connection.isOpen) connection.onAccepted(client);
  }

  /** Something is waited for: the bytes that the packet has borrowed from the input change. */
  #ownPacket(): void {
    const packet = this.#packet!;
    packet.will = ownWill(packet.will);
    packet.password = null;
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
