/** A connection after CONNACK, with what both sides have agreed on. */
import { type Packet, packetSize, type PublishPacket, ReasonCode } from "../codec/mod.ts";
import type { Clock } from "../transport/clock.ts";
import type { Connection, Departure } from "./connection.ts";
import { PublishError } from "./errors.ts";
import { KeepAlive } from "./keep_alive.ts";
import type { ClientLimits } from "./limits.ts";
import type { ServerInfo } from "./server_info.ts";
import { IncomingAliases, OutgoingAliases } from "./topic_aliases.ts";

/** A connection after CONNACK, with what client and server have agreed on. */
export class Link {
  /** What the CONNACK said about the server. */
  readonly server: ServerInfo;
  /** The topics of the server's Topic Aliases. */
  readonly incomingAliases: IncomingAliases;
  /** The connection that sends the packets. */
  readonly connection: Connection;
  readonly #outgoingAliases: OutgoingAliases;
  readonly #keepAlive: KeepAlive;
  readonly #writeBytesMax: number;

  /** Starts to keep the connection alive. */
  constructor(connection: Connection, server: ServerInfo, limits: ClientLimits, clock: Clock) {
    this.connection = connection;
    this.server = server;
    this.incomingAliases = new IncomingAliases(limits.topicAliasMax);
    this.#outgoingAliases = new OutgoingAliases(
      Math.min(server.topicAliasMaximum, limits.topicAliasMax),
    );
    this.#writeBytesMax = limits.writeBytesMax;
    const { keepAliveSeconds } = server;
    this.#keepAlive = new KeepAlive(connection, clock, keepAliveSeconds, limits.pingTimeoutMs);
  }

  /** Whether the connection has room for another message. */
  get hasRoom(): boolean {
    return this.connection.error === null && this.connection.waitingBytes < this.#writeBytesMax;
  }

  /** Stops the timer of the link. */
  stop(): void {
    this.#keepAlive.stop();
  }

  /** Whether the server accepts a packet of this size [MQTT-3.2.2-15]. */
  takes(packet: Packet): boolean {
    const { maximumPacketSize } = this.server;
    return maximumPacketSize === Infinity ||
      packetSize(packet, this.connection.version) <= maximumPacketSize;
  }

  /** Sends a packet that is small, or that the server is known to accept. */
  send(packet: Packet): void {
    this.connection.send(packet);
  }

  /**
   * Sends a message, with a topic alias if that is shorter.
   *
   * @throws {PublishError} If the server would not accept it; nothing is sent then.
   */
  publish(packet: PublishPacket, departure: Departure): void {
    const { maximumQoS, retainAvailable } = this.server;
    // [MQTT-3.2.2-11] and [MQTT-3.2.2-14].
    if (packet.qos > maximumQoS) throw refused(packet, ReasonCode.QoSNotSupported);
    if (packet.retain && !retainAvailable) throw refused(packet, ReasonCode.RetainNotSupported);
    const shortened = this.#outgoingAliases.apply(packet);
    if (!this.takes(shortened)) throw refused(packet, ReasonCode.PacketTooLarge);
    this.connection.send(shortened, departure);
    this.#outgoingAliases.note(packet.topic, shortened);
  }
}

function refused({ topic }: PublishPacket, reasonCode: number): PublishError {
  return new PublishError(`The server does not take the message to "${topic}"`, { reasonCode });
}
