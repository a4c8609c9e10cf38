/** One side of a bridge: a connection to a broker, from its CONNECT on. */
import {
  type ConnackPacket,
  type ConnectPacket,
  type Packet,
  ProtocolError,
  type PublishPacket,
  ReasonCode,
  reasonText,
  type SubscriptionRequest,
} from "../codec/mod.ts";
import { Answer } from "../client/answer.ts";
import { Connection, type PacketHandler } from "../client/connection.ts";
import { asError, DisconnectedError } from "../client/errors.ts";
import type { Clock } from "../transport/clock.ts";
import type { Transport } from "../transport/transport.ts";
import { Valve } from "./valve.ts";

/** Takes what a leg receives of messages and their acknowledgements. */
export interface LegReceiver {
  /** Takes a PUBLISH, PUBACK, PUBREC, PUBREL or PUBCOMP; binary fields are borrowed. */
  onFlow(packet: Packet): void;
  /** Bytes were written. */
  onDrained(): void;
}

/** A broker has refused a CONNECT. */
export class RefusedError extends Error {
  /** The name of the class, as logs show it. */
  override readonly name: string = "RefusedError";
  /** The Reason Code of 5.0, or the return code of 3.x. */
  readonly reasonCode: number;

  constructor(who: string, { reasonCode, properties }: ConnackPacket, version: number) {
    const why = version === 5
      ? reasonText(reasonCode)
      : RETURN_CODES[reasonCode] ?? "for no reason";
    const { reasonString } = properties;
    super(`${who} refused the connection: ${reasonString ?? why} (${reasonCode})`);
    this.reasonCode = reasonCode;
  }
}

/** The return codes of CONNACK in 3.x. */
const RETURN_CODES = [
  "accepted",
  "unacceptable protocol version",
  "client identifier rejected",
  "server unavailable",
  "bad user name or password",
  "not authorized",
];

/** Filters in one SUBSCRIBE or UNSUBSCRIBE. */
const FILTERS_PER_PACKET = 100;

/** Bytes that may wait to be written before reading stops. */
const WRITE_BYTES_MAX = 65_536;

/** How long a disconnect may take, in milliseconds. */
const CLOSE_MS = 1000;

/** Packet identifiers of a leg's own requests are taken from the top. */
const PACKET_ID_MAX = 65_535;

/** Settings of a leg. */
export interface LegOptions {
  /** Who is at the other end, for error messages. */
  readonly who: string;
  readonly connect: ConnectPacket;
  /** The largest packet that is accepted, in bytes. */
  readonly packetBytesMax: number;
  readonly clock: Clock;
}

/**
 * One side of a bridge. It keeps no state of the session: messages and acknowledgements go to its
 * receiver, and its own requests are made while nothing else is in flight.
 */
export class Leg implements PacketHandler {
  readonly connection: Connection;
  readonly valve: Valve;
  /** Who is at the other end, for error messages. */
  readonly who: string;
  readonly #version: number;
  readonly #welcome = new Answer<ConnackPacket>();
  #connack: ConnackPacket | null = null;
  /** Takes messages and acknowledgements; until there is one, they are an error. */
  #receiver: LegReceiver | null = null;
  /** Whether nothing is read between the answer to a request and the next request. */
  #isStepwise = false;
  /** Requests without an answer yet, by their packet identifier. */
  readonly #requests = new Map<number, Answer<Packet>>();

  private constructor(transport: Transport, { who, connect, packetBytesMax, clock }: LegOptions) {
    this.who = who;
    this.#version = connect.protocolVersion;
    const { protocolVersion: version } = connect;
    const options = { version, packetBytesMax, writeBytesMax: WRITE_BYTES_MAX, clock };
    this.connection = new Connection(transport, options, this);
    this.valve = new Valve(this.connection);
    this.connection.gone.then(() => this.#fail(this.connection.error!));
    this.connection.send(connect);
  }

  /**
   * Connects over a transport. Nothing after the CONNACK is read until `valve` is opened.
   *
   * @throws {RefusedError} If the broker refuses it.
   * @throws The reason of `signal`.
   */
  static async open(transport: Transport, options: LegOptions, signal: AbortSignal): Promise<Leg> {
    const leg = new Leg(transport, options);
    const abort = () => leg.connection.fail(asError(signal.reason));
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    try {
      leg.#connack = await leg.#welcome;
      return leg;
    } catch (error) {
      leg.connection.fail(asError(error));
      await leg.connection.gone;
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** The CONNACK. */
  get connack(): ConnackPacket {
    return this.#connack!;
  }

  /** Has messages and acknowledgements go to a receiver. */
  passTo(receiver: LegReceiver): void {
    this.#receiver = receiver;
  }

  /** From now on, nothing is read between the answer to a request and the next request. */
  beginSteps(): void {
    this.#isStepwise = true;
  }

  /** From now on, everything is read. */
  endSteps(): void {
    this.#isStepwise = false;
    this.valve.set("setup", false);
  }

  /** Sends a packet. */
  send(packet: Packet): void {
    this.connection.send(packet);
  }

  /**
   * Subscribes.
   *
   * @returns The Reason Code of each filter.
   */
  async subscribe(subscriptions: SubscriptionRequest[]): Promise<number[]> {
    const codes: number[] = [];
    for (const part of chunksOf(subscriptions)) {
      const request = { type: "subscribe", properties: {}, subscriptions: part } as const;
      const answer = await this.#request((packetId) => ({ ...request, packetId }));
      if (answer.type === "suback") codes.push(...answer.reasonCodes);
    }
    return codes;
  }

  /** Unsubscribes. */
  async unsubscribe(filters: string[]): Promise<void> {
    for (const part of chunksOf(filters)) {
      await this.#request((packetId) => ({
        type: "unsubscribe",
        packetId,
        properties: {},
        filters: part,
      }));
    }
  }

  /** Publishes a message of the bridge itself, and waits for its PUBACK with QoS 1. */
  async publish(message: Omit<PublishPacket, "type" | "packetId" | "dup">): Promise<void> {
    const packet = { ...message, type: "publish", dup: false } as const;
    if (packet.qos === 0) return this.send({ ...packet, packetId: 0 });
    await this.#request((packetId) => ({ ...packet, packetId }));
  }

  /** Sends DISCONNECT, what waits before it, and closes. */
  async disconnect(): Promise<void> {
    this.valve.open();
    await this.connection.finish({ type: "disconnect", reasonCode: 0, properties: {} }, CLOSE_MS);
  }

  /** Takes a packet; the connection calls it. */
  onPacket(packet: Packet): void {
    switch (packet.type) {
      case "connack":
        return this.#onConnack(packet);
      case "suback":
      case "unsuback":
        return this.#onAnswer(packet.packetId, packet);
      case "puback":
        if (this.#requests.has(packet.packetId)) return this.#onAnswer(packet.packetId, packet);
        return this.#onFlow(packet);
      case "publish":
      case "pubrec":
      case "pubrel":
      case "pubcomp":
        return this.#onFlow(packet);
      case "pingresp":
        return;
      case "disconnect":
        throw new DisconnectedError(
          `${this.who} has disconnected: ${reasonText(packet.reasonCode)} (${packet.reasonCode})`,
        );
      default:
        throw unexpected(packet.type);
    }
  }

  /** Has the receiver go on; the connection calls it. */
  onDrained(): void {
    this.#receiver?.onDrained();
  }

  #onConnack(packet: ConnackPacket): void {
    if (this.#connack !== null) throw unexpected("connack");
    if (packet.reasonCode !== ReasonCode.Success) {
      this.#welcome.reject(new RefusedError(this.who, packet, this.#version));
      return;
    }
    this.valve.set("setup", true);
    this.#welcome.resolve(packet);
  }

  #onFlow(packet: Packet): void {
    if (this.#receiver === null) throw unexpected(packet.type);
    this.#receiver.onFlow(packet);
  }

  #onAnswer(packetId: number, packet: Packet): void {
    const request = this.#requests.get(packetId);
    if (request === undefined) throw unexpected(packet.type);
    this.#requests.delete(packetId);
    if (this.#isStepwise) this.valve.set("setup", true);
    request.resolve(packet);
  }

  async #request(make: (packetId: number) => Packet): Promise<Packet> {
    if (this.connection.error !== null) throw this.connection.error;
    const packetId = PACKET_ID_MAX - this.#requests.size;
    const answer = new Answer<Packet>();
    this.#requests.set(packetId, answer);
    if (this.#isStepwise) this.valve.set("setup", false);
    this.send(make(packetId));
    return await answer;
  }

  #fail(error: Error): void {
    this.#welcome.reject(error);
    for (const request of this.#requests.values()) request.reject(error);
    this.#requests.clear();
  }
}

function unexpected(type: string): ProtocolError {
  return new ProtocolError(`A ${type} at this point`, 0, "MQTT-4.13.1-1");
}

function chunksOf<T>(items: readonly T[]): T[][] {
  const chunks: T[][] = [];
  for (let at = 0; at < items.length; at += FILTERS_PER_PACKET) {
    chunks.push(items.slice(at, at + FILTERS_PER_PACKET));
  }
  return chunks;
}
