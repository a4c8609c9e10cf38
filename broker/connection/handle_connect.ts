import { decisionOf, exchangeOf, stepOf } from "../../auth/answer.ts";
import type { ClientInfo, ConnectRequest, Decision, Grant } from "../../auth/authenticator.ts";
import {
  type AuthPacket,
  type ConnackPacket,
  type ConnectPacket,
  decodeConnect,
  type PacketError,
  packetSize,
  ReasonCode,
  UnsupportedVersionError,
} from "../../codec/mod.ts";
import type { ClientAccess } from "../session/client_access.ts";
import { sendControl } from "./responses.ts";
import { accessOf, checkAuth, EXPIRED, reauthenticate, sendAuth } from "./handle_auth.ts";
import type { ClientConnection } from "./client_connection.ts";
import { connackProperties } from "./connack.ts";
import { type ConnectFault, faultOf } from "./connect_validation.ts";
import { refuseControlCharacters } from "./control_characters.ts";
import { isOffLimits } from "../limits/reserved_topics.ts";
import { Granted } from "./credential_expiry.ts";
import { identify, type Identity, isFault, settle } from "./client_identity.ts";
import { isLoginFailure } from "../limits/login_limiter.ts";
import { askAgain } from "./reauthorization.ts";
import { sendRefusal } from "./reason_packets.ts";
import { SESSION_BYTES, SESSION_STATE_BYTES } from "../base/memory_costs.ts";
import { willBytes } from "../session/session_table.ts";
import { OutboundAliases } from "../delivery/outbound_aliases.ts";
import { PublishSender } from "../delivery/publish_sender.ts";
import type { Session } from "../session/session.ts";
import type { Commit } from "../base/commit.ts";

/** What client and broker have settled, and the CONNACK that says so. */
interface Agreement {
  readonly expirySeconds: number;
  readonly keepAlive: number;
  readonly connack: ConnackPacket;
}

/** What is decided on clients whose certificate says who they are. */
const LET_IN: Decision = { reasonCode: ReasonCode.Success };

/** What a client is told whose identifier another uses as well. */
const FLAPS = "Another client with this identifier connects again and again";
/** What a client is told whose session, or will, the disk does not take. */
const UNSTORED = "The session cannot be stored";
const NO_MEMORY = "The broker has no memory for another session";
const TOO_MANY_LOGINS: ConnectFault = [
  ReasonCode.ConnectionRateExceeded,
  "Too many logins from this address have failed",
];

/** How a client is let in: CONNECT, authentication, session, CONNACK. */
export class ConnectAttempt {
  readonly #connection: ClientConnection;
  #packet: ConnectPacket | null = null;
  #request: ConnectRequest | null = null;
  /** The identifier that the client is told, having given none; `null` if it has. */
  #assignedId: string | null = null;
  /** The session about whose subscriptions was asked. */
  #asked: Session | null = null;
  /** Whether CONNACK promises something that has to be on the disk first. */
  #mustStore = false;

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
    const packet = decodeConnect(first, body, connection.terms.leniency);
    if (connection.terms.refuseControlCharacters) refuseControlCharacters(packet);
    connection.version = packet.protocolVersion;
    connection.isBridge = packet.isBridge === true;
    const { properties } = packet;
    connection.wantsReasons = properties.requestProblemInformation ?? true;
    connection.wire = {
      v5: connection.version === 5,
      packetBytesMax: Math.min(
        properties.maximumPacketSize ?? Infinity,
        connection.terms.packetBytesMax,
      ),
      isOwn: connection.terms.mount !== null,
    };
    this.#packet = packet;
    this.#overlook(packet);
    const mayTry = connection.host.limiters.logins.mayTry(connection.peer.address);
    const identity = mayTry
      ? faultOf(connection, packet) ?? identify(connection, packet)
      : TOO_MANY_LOGINS;
    if (isFault(identity)) {
      this.#refuse(identity[0], identity[1]);
      return Promise.resolve();
    }
    const { mount } = connection.terms;
    if (mount !== null && packet.will !== null) {
      packet.will = { ...packet.will, topic: mount.topic(packet.will.topic) };
    }
    return this.#authenticate(packet, identity);
  }

  /** Handles an AUTH of a client that is being authenticated [MQTT-4.12.0-3]. */
  auth(packet: AuthPacket): PromiseLike<void> {
    checkAuth(this.#connection, packet, ReasonCode.ContinueAuthentication);
    return this.#step(packet.properties.authenticationData ?? null);
  }

  /** Handles an AUTH of a client that was let in (§4.12.1). */
  reauthenticate(packet: AuthPacket): Promise<void> {
    return reauthenticate(this.#connection, this.#request!, packet);
  }

  /** Refuses a client whose CONNECT, or what it sent next, breaks the protocol. */
  refuseFaulty(error: PacketError): void {
    const connection = this.#connection;
    if (error instanceof UnsupportedVersionError && this.#packet === null) {
      // In the form that it most likely reads [MQTT-3.1.2-2]; a second CONNECT in that of the first.
      connection.version = error.answerVersion;
      return this.#refuse(error.reasonCode, error.message);
    }
    // In 3.x there is no code for it [MQTT-3.1.4-1].
    if (this.#packet?.protocolVersion === 5 && connection.version === 5) {
      this.#refuse(error.reasonCode, error.message);
    } else connection.close(error.reasonCode);
  }

  /** Refuses a client about which nothing could be decided: the broker, or the program, has failed. */
  refuseUndecided(): void {
    if (!this.#connection.isOpen) return;
    this.#refuse(ReasonCode.ServerUnavailable, "Nothing can be decided about this client now");
  }

  /** On a lenient listener a session without a name, which cannot be found again, is a clean one. */
  #overlook(packet: ConnectPacket): void {
    const { leniency } = this.#connection.terms;
    const isNameless = packet.protocolVersion === 4 && packet.clientId === "";
    if (leniency === null || !isNameless || packet.cleanStart) return;
    packet.cleanStart = true;
    leniency.overlook("empty-client-id");
  }

  async #authenticate(packet: ConnectPacket, identity: Identity): Promise<void> {
    const connection = this.#connection;
    const { peer, terms } = connection;
    const { authenticator } = terms;
    const request: ConnectRequest = {
      ...identity,
      password: packet.password,
      address: peer.address,
      listener: terms.name,
      certificate: peer.certificate ?? null,
      protocolVersion: packet.protocolVersion,
      userProperties: packet.properties.userProperties ?? [],
    };
    this.#request = request;
    const method = packet.properties.authenticationMethod;
    if (method !== undefined) {
      const exchange = exchangeOf(authenticator.begin?.(method, request));
      if (exchange === null) {
        return this.#refuse(ReasonCode.BadAuthenticationMethod, `Unknown method: ${method}`);
      }
      this.#keepPacket();
      connection.auth = { method, exchange };
      return this.#step(packet.properties.authenticationData ?? null);
    }
    const isCertified = terms.identityAsUsername || terms.subjectAsUsername;
    const decision = isCertified ? LET_IN : decisionOf(await authenticator.authenticate(request));
    if (!connection.isOpen) return;
    if (decision.reasonCode !== ReasonCode.Success) {
      return await this.#refuseLogin(decision.reasonCode, decision.reasonString);
    }
    await this.#admit(decision);
  }

  /** One step of an enhanced authentication before the client is let in. */
  async #step(data: Uint8Array | null): Promise<void> {
    const connection = this.#connection;
    const step = stepOf(await connection.auth!.exchange!.next(data));
    if (!connection.isOpen) return;
    if (step.kind === "continue") sendAuth(connection, ReasonCode.ContinueAuthentication, step);
    else if (step.kind === "failure") await this.#refuseLogin(step.reasonCode, step.reasonString);
    else {
      connection.auth!.exchange = null;
      await this.#admit(step, step.data);
    }
  }

  /** The client is who it says: gives it its session, and says so. */
  async #admit(grant: Grant, authenticationData?: Uint8Array): Promise<void> {
    const connection = this.#connection;
    const { context, host } = connection;
    const packet = this.#packet!;
    const { will } = packet;
    const { address, protocolVersion } = this.#request!;
    const identity = settle(connection, this.#request!, grant);
    if (isFault(identity)) return this.#refuse(identity[0], identity[1]);
    const { clientId } = identity;
    const client: ClientInfo = {
      ...identity,
      address,
      protocolVersion,
      listener: connection.terms.name,
    };
    if (packet.clientId === "") this.#assignedId = clientId;
    if (!Granted.grant(connection, grant)) return this.#refuse(ReasonCode.NotAuthorized, EXPIRED);
    if (will !== null && isOffLimits(will.topic, { clientId, isBridge: connection.isBridge })) {
      return this.#refuse(ReasonCode.NotAuthorized, "Will topic is not for clients");
    }
    const access = accessOf(connection, client);
    if (will !== null && access !== null) {
      const { topic, qos, retain } = will;
      if (!await access.mayPublish({ topic, qos, retain, will: true })) {
        return this.#refuse(ReasonCode.NotAuthorized, "Will topic is not allowed");
      }
    }
    const agreement = this.#agree(authenticationData);
    if (packetSize(agreement.connack, protocolVersion) > connection.wire.packetBytesMax) {
      return this.#refuse(ReasonCode.PacketTooLarge, "CONNACK is larger than the client takes");
    }
    if (this.#cannotStore(clientId, agreement.expirySeconds > 0)) {
      return this.#refuse(ReasonCode.QuotaExceeded, UNSTORED);
    }
    if (host.sessions.get(clientId)?.link && !await this.#mayTakeOver(clientId)) return;
    // While one thing is waited for, another may come in the way.
    for (let wait = this.#obstacle(clientId, access); wait !== null;) {
      await wait;
      wait = connection.isOpen ? this.#obstacle(clientId, access) : null;
    }
    if (!connection.isOpen) return;
    if (!this.#hasMemory(clientId)) return this.#refuse(ReasonCode.ServerUnavailable, NO_MEMORY);
    const [session, isPresent] = this.#session(clientId, agreement.expirySeconds > 0);
    if (session === null) {
      connection.limited("sessions");
      return this.#refuse(ReasonCode.QuotaExceeded, "Too many sessions");
    }
    connection.session = session;
    host.sessions.setUser(session, client.username);
    session.permit(access);
    this.#bind(session, isPresent, agreement);
    // What the disk has already needs no commit that would fail.
    const isAsBefore = host.journal?.isFailing && isKept(session, isPresent);
    const commit = this.#mustStore && !isAsBefore ? host.journal?.latest ?? null : null;
    if (commit !== null && !await this.#isStored(commit, session, isPresent)) return;
    connection.client = client;
    connection.lease?.authenticated();
    const { stats } = context;
    stats.connectsAccepted++;
    stats.clientsMost = Math.max(stats.clientsMost, ++stats.clients);
    context.guard(() => context.hooks.connected?.(client));
  }

  /**
   * What keeps the client from going on with its session, if anything: whoever
   * holds it leaves first, and it is asked about what the session is subscribed
   * to, for the client may be another one by now, or may do less.
   */
  #obstacle(clientId: string, access: ClientAccess | null): Promise<unknown> | null {
    const { host } = this.#connection;
    const session = host.sessions.get(clientId);
    if (session === undefined) return null;
    const holder = session.link as ClientConnection | null;
    if (holder !== null) return holder.takeOver();
    if (access === null || this.#packet!.cleanStart || session === this.#asked) return null;
    this.#asked = session;
    return askAgain(host, session, access);
  }

  /**
   * Waits until the disk holds what CONNACK promises; nothing is sent before.
   *
   * @returns False if it cannot be stored, and the client was refused, or is gone.
   */
  async #isStored(commit: Commit, session: Session, isPresent: boolean): Promise<boolean> {
    const connection = this.#connection;
    const { outbox, host } = connection;
    outbox.hold();
    await commit.over;
    const isSafe = commit.error === null || isKept(session, isPresent);
    if (!isSafe) outbox.discardControl();
    outbox.release();
    if (isSafe) return connection.isOpen;
    // Another connection may have gone on with it by now, to be told for itself.
    if (session.link !== connection) return false;
    host.sessions.setWill(session, null);
    if (!session.queue.isStored) session.expirySeconds = 0;
    this.#refuse(ReasonCode.QuotaExceeded, UNSTORED);
    return false;
  }

  /**
   * Whether what would have to be stored for the client cannot be, as things are: it is refused at
   * once, since everyone who comes would leave something behind until it can.
   */
  #cannotStore(clientId: string, outlives: boolean): boolean {
    const { host } = this.#connection;
    if (host.journal === null || !host.journal.isFailing) return false;
    const { will, cleanStart } = this.#packet!;
    const old = host.sessions.get(clientId);
    if (old === undefined) return outlives || will !== null;
    return will !== null || (cleanStart && (outlives || old.isDurable)) || !old.queue.isStored;
  }

  /** Whether there is memory for the session, unless there is one already, and for its will. */
  #hasMemory(clientId: string): boolean {
    const { context, host, peer } = this.#connection;
    const { will } = this.#packet!;
    const isNew = host.sessions.get(clientId) === undefined;
    if (!isNew && will === null) return true;
    const size = isNew ? SESSION_BYTES + SESSION_STATE_BYTES + 2 * clientId.length : 0;
    if (host.memory.mayGrow("session", size + willBytes(will))) return true;
    context.limited("memory", peer.address, clientId);
    return false;
  }

  /** The session to go on with, and whether it is an old one [MQTT-3.2.2-3]. */
  #session(clientId: string, outlives: boolean): [Session | null, boolean] {
    const { context, host: { sessions } } = this.#connection;
    const packet = this.#packet!;
    const old = sessions.get(clientId);
    this.#mustStore = packet.will !== null || outlives || (old?.isDurable ?? false);
    if (old !== undefined && packet.cleanStart) sessions.end(old);
    else if (old !== undefined) {
      sessions.resume(old);
      return [old, true];
    }
    if (sessions.size >= context.limits.sessionsMax) return [null, false];
    return [sessions.create(clientId, outlives), false];
  }

  /** What the client is told when it is let in, but for Session Present. */
  #agree(authenticationData: Uint8Array | undefined): Agreement {
    const connection = this.#connection;
    const { terms, version } = connection;
    const packet = this.#packet!;
    const asked = version === 5
      ? packet.properties.sessionExpiryInterval ?? 0
      : packet.cleanStart
      ? 0
      : terms.sessionExpirySecondsMax;
    const expirySeconds = Math.min(asked, terms.sessionExpirySecondsMax);
    // In 3.x it cannot be told that its Keep Alive is another, so it is not.
    const keepAlive = version === 5
      ? cappedKeepAlive(packet.keepAlive, terms.keepAliveSecondsMax)
      : packet.keepAlive;
    const properties = connackProperties(connection, packet, {
      assignedId: this.#assignedId,
      keepAlive,
      expirySeconds,
      authenticationData,
    });
    const connack = { type: "connack", sessionPresent: false, reasonCode: 0, properties } as const;
    return { expirySeconds, keepAlive, connack };
  }

  #bind(session: Session, isPresent: boolean, agreement: Agreement): void {
    const connection = this.#connection;
    const { context, host, terms, version, wire } = connection;
    const packet = this.#packet!;
    const { connack, keepAlive } = agreement;
    session.expirySeconds = agreement.expirySeconds;
    host.sessions.setWill(session, ownWill(packet));
    // MQTT 3.1 has no Session Present.
    sendControl(connection, { ...connack, sessionPresent: isPresent && version > 3 });
    const aliasMax = Math.min(packet.properties.topicAliasMaximum ?? 0, terms.topicAliasMax);
    connection.sender = new PublishSender(
      connection.outbox,
      context.clock,
      version,
      wire.packetBytesMax,
      aliasMax === 0 ? null : new OutboundAliases(aliasMax, context.limits, host.memory),
      terms.mount?.bytes.length ?? 0,
    );
    connection.keepAlive(keepAlive);
    const inflight = Math.min(packet.properties.receiveMaximum ?? Infinity, terms.inflightMax);
    session.attach(connection, inflight);
    this.#packet = null;
    this.#asked = null;
    // Only a client that can authenticate again comes back here.
    if (connection.auth === null) connection.flow = null;
  }

  /** The password and the rest of CONNECT are borrowed from the input, which is read to again. */
  #keepPacket(): void {
    const packet = this.#packet!;
    packet.will = ownWill(packet);
    packet.password = null;
  }

  /** Tells that a login has failed, and answers; late, if that happens too often. */
  async #refuseLogin(reasonCode: number, reasonString?: string): Promise<void> {
    const connection = this.#connection;
    if (isLoginFailure(reasonCode)) {
      const { clientId, username, address } = this.#request!;
      const failure = { address, clientId, username, reasonCode };
      await connection.host.limiters.logins.failed(failure);
      if (!connection.isOpen) return;
    }
    this.#refuse(reasonCode, reasonString);
  }

  /** Waits, if the session is taken over again and again; tells whether it may go on then. */
  async #mayTakeOver(clientId: string): Promise<boolean> {
    const connection = this.#connection;
    const { takeovers } = connection.host.limiters;
    const wait = takeovers.takesOver(clientId, connection.peer.address);
    if (wait === "refused") this.#refuse(ReasonCode.ConnectionRateExceeded, FLAPS);
    else if (wait !== null) await wait;
    return connection.isOpen;
  }

  /** Answers with a CONNACK that says why not, and closes [MQTT-3.2.2-7]. */
  #refuse(reasonCode: number, reasonString?: string): void {
    const connection = this.#connection;
    const { context } = connection;
    context.stats.connectsRefused++;
    const clientId = this.#request?.clientId ?? this.#packet?.clientId ?? null;
    context.guard(() => context.hooks.refused?.(connection.peer.address, clientId, reasonCode));
    sendRefusal(connection, reasonCode, reasonString);
    connection.close(reasonCode);
  }
}

/** Whether a session is on the disk as it goes on, so that what waits for it can be fetched. */
function isKept(session: Session, isPresent: boolean): boolean {
  return isPresent && session.queue.isStored && session.will === null;
}

/** Keep Alive as the broker insists on it, in seconds; 0 for none. */
function cappedKeepAlive(asked: number, max: number): number {
  if (max === 0) return asked;
  return asked === 0 ? max : Math.min(asked, max);
}

/** A will with bytes of its own: those of the packet are borrowed. */
function ownWill({ will }: ConnectPacket): ConnectPacket["will"] {
  if (will === null) return null;
  const properties = { ...will.properties };
  if (properties.correlationData !== undefined) {
    properties.correlationData = properties.correlationData.slice();
  }
  return { ...will, payload: will.payload.slice(), properties };
}
