/** The exchange from CONNECT to CONNACK, on the client's side. */
import {
  type AuthPacket,
  type ConnackPacket,
  type ConnectPacket,
  type Packet,
  type Properties,
  ProtocolError,
  ReasonCode,
  type Will,
} from "../codec/mod.ts";
import { Answer } from "./answer.ts";
import { AuthenticationExchange } from "./authentication_exchange.ts";
import { Connection, type PacketHandler } from "./connection.ts";
import { asError, ConnectError } from "./errors.ts";
import { bytesOf, type Settings, type WillOptions } from "./options.ts";
import type { Transport } from "../transport/transport.ts";

/** The fields of CONNECT that differ from one connection to the next. */
export interface Introduction {
  /** The client identifier. The server may have assigned it. */
  readonly clientId: string;
  /** Whether the server discards an older session. */
  readonly cleanStart: boolean;
}

/**
 * Does the exchange from CONNECT to CONNACK over a transport.
 *
 * @param onAccepted Called when the server accepts the client, before any other packet is handled. It
 * gives the connection another handler.
 * @param signal Ends the exchange.
 * @throws {ConnectError} If the server refuses the client.
 * @throws The reason of `signal`.
 */
export async function introduce(
  transport: Transport,
  settings: Settings,
  introduction: Introduction,
  onAccepted: (connection: Connection, connack: ConnackPacket) => void,
  signal: AbortSignal,
): Promise<void> {
  const handshake = new Handshake(settings, onAccepted);
  const { clock, limits, protocolVersion: version } = settings;
  const { packetBytesMax, writeBytesMax } = limits;
  const options = { version, packetBytesMax, writeBytesMax, clock };
  const connection = new Connection(transport, options, handshake);
  const abort = () => connection.fail(asError(signal.reason));
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  connection.gone.then(() => handshake.settled.reject(connection.error));
  try {
    const started = handshake.start(connection, introduction);
    // The program's `begin()` may never settle, so the signal must end this too.
    await Promise.race([started.then(() => handshake.settled), handshake.settled]);
  } catch (error) {
    connection.fail(asError(error));
    await connection.gone;
    throw connection.error ?? error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

class Handshake implements PacketHandler {
  readonly settled = new Answer<void>();
  readonly #settings: Settings;
  readonly #onAccepted: (connection: Connection, connack: ConnackPacket) => void;
  readonly #exchange: AuthenticationExchange | null;
  #connection!: Connection;

  constructor(
    settings: Settings,
    onAccepted: (connection: Connection, connack: ConnackPacket) => void,
  ) {
    this.#settings = settings;
    this.#onAccepted = onAccepted;
    const { authentication, limits } = settings;
    this.#exchange = authentication === null
      ? null
      : new AuthenticationExchange(authentication, limits.authenticationStepsMax);
  }

  async start(connection: Connection, introduction: Introduction): Promise<void> {
    this.#connection = connection;
    const authentication = await this.#exchange?.begin() ?? {};
    connection.send(connectPacket(this.#settings, introduction, authentication));
  }

  onPacket(packet: Packet): void {
    if (packet.type === "connack") this.#welcome(packet);
    else if (packet.type === "auth" && this.#exchange !== null) this.#continue(packet);
    else throw new ProtocolError(`A ${packet.type} before CONNACK`, 0, "MQTT-3.2.0-1");
  }

  onDrained(): void {}

  #welcome(connack: ConnackPacket): void {
    if (connack.reasonCode !== 0) {
      return this.settled.reject(refusal(connack, this.#settings.protocolVersion));
    }
    // The program may need time to check it. No other packet is handled until then.
    const connection = this.#connection;
    connection.setPaused(true);
    const looking = Promise.resolve(this.#exchange?.finish(connack));
    looking.then(() => {
      if (connection.error !== null) return;
      connection.setPaused(false);
      this.#onAccepted(connection, connack);
      this.settled.resolve();
    }).catch((error) => this.settled.reject(error));
  }

  #continue(packet: AuthPacket): void {
    this.#exchange!.continue(packet, this.#connection)
      .catch((error) => this.settled.reject(error));
  }
}

function connectPacket(
  settings: Settings,
  { clientId, cleanStart }: Introduction,
  authentication: Properties,
): ConnectPacket {
  const { protocolVersion, keepAliveSeconds, username, password } = settings;
  return {
    type: "connect",
    protocolVersion,
    cleanStart,
    keepAlive: keepAliveSeconds,
    clientId,
    properties: { ...connectProperties(settings), ...authentication },
    will: settings.will === null ? null : willOf(settings.will),
    username,
    password,
  };
}

/** Sends only the properties that differ from the protocol's defaults. */
function connectProperties(settings: Settings): Properties {
  const { limits, sessionExpirySeconds, userProperties } = settings;
  return {
    receiveMaximum: limits.receiveMaximum,
    maximumPacketSize: limits.packetBytesMax,
    ...(limits.topicAliasMax > 0 ? { topicAliasMaximum: limits.topicAliasMax } : {}),
    ...(sessionExpirySeconds > 0 ? { sessionExpiryInterval: sessionExpirySeconds } : {}),
    ...(settings.requestResponseInformation ? { requestResponseInformation: true } : {}),
    ...(settings.requestProblemInformation ? {} : { requestProblemInformation: false }),
    ...(userProperties.length > 0 ? { userProperties } : {}),
  };
}

function willOf(options: WillOptions): Will {
  const { topic, payload = "", qos = 0, retain = false, properties = {} } = options;
  return { topic, payload: bytesOf(payload), qos, retain, properties };
}

/** The Reason Codes that correspond to the return codes of 3.x. */
const CODES_BY_RETURN_CODE: readonly number[] = [
  ReasonCode.Success,
  ReasonCode.UnsupportedProtocolVersion,
  ReasonCode.ClientIdentifierNotValid,
  ReasonCode.ServerUnavailable,
  ReasonCode.BadUserNameOrPassword,
  ReasonCode.NotAuthorized,
];

function refusal({ reasonCode, properties }: ConnackPacket, version: number): ConnectError {
  const { reasonString, serverReference } = properties;
  return new ConnectError("The server refused the connection", {
    reasonCode: version === 5 ? reasonCode : CODES_BY_RETURN_CODE[reasonCode]!,
    reasonString,
    serverReference,
  });
}
