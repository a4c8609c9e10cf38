import { concat } from "@std/bytes";
import {
  type ConnackPacket,
  encodePacket,
  type Packet,
  PacketReader,
  type Properties,
  type ProtocolVersion,
  type PublishPacket,
  type QoS,
  type SubscriptionRequest,
  type Will,
} from "../../codec/mod.ts";
import type { Broker } from "../../mod.ts";
import { InstantPipe } from "../harness/instant_pipe.ts";

/** What a client is like. */
export interface NodeClientOptions {
  readonly version?: ProtocolVersion;
  /** Whether its session outlives the connection; false by default. */
  readonly isDurable?: boolean;
  readonly receiveMaximum?: number;
  /** The client of an earlier connection whose session it continues. */
  readonly continues?: NodeClient;
  /** Its will; none by default. */
  readonly will?: Will;
  /** Whether it acknowledges what it gets; true by default. */
  readonly acknowledges?: boolean;
}

/** A message as a client has got it. */
export interface Received {
  readonly topic: string;
  readonly text: string;
  readonly qos: QoS;
  readonly dup: boolean;
  readonly retain: boolean;
}

const ANSWERS: readonly string[] = ["suback", "unsuback", "disconnect"];

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A client of one node, over a pipe that needs no time. It acknowledges what it gets. */
export class NodeClient {
  connack: ConnackPacket | null = null;
  /** What has come, in order. */
  readonly received: Received[] = [];
  /** The packets of these messages; payloads may have changed since. */
  readonly publishes: PublishPacket[] = [];
  /** Every SUBACK, UNSUBACK and DISCONNECT. */
  readonly answers: Packet[] = [];
  /** The packet identifiers of what was acknowledged to it, with the reason codes. */
  readonly acked = new Map<number, number>();
  /** The reason codes of each SUBACK, by packet identifier. */
  readonly subacks = new Map<number, readonly number[]>();
  isClosed = false;
  readonly #pipe: InstantPipe;
  readonly #version: ProtocolVersion;
  readonly #acknowledges: boolean;
  /** QoS 2 messages that were received and not released. */
  readonly #held: Set<number>;
  #lastId = 0;

  private constructor(broker: Broker, options: NodeClientOptions) {
    const { version = 5, acknowledges = true, continues } = options;
    this.#held = continues === undefined ? new Set() : continues.#held;
    const reader = new PacketReader({ version });
    this.#version = version;
    this.#acknowledges = acknowledges;
    this.#pipe = new InstantPipe(Infinity, (bytes) => {
      reader.push(bytes.slice());
      for (let packet; (packet = reader.read()) !== null;) this.#take(packet);
    });
    broker.accept(this.#pipe, { address: "client" });
  }

  /** Connects to a broker. */
  static open(broker: Broker, clientId: string, options: NodeClientOptions): NodeClient {
    const client = new NodeClient(broker, options);
    const { isDurable = false, receiveMaximum } = options;
    client.send({
      type: "connect",
      protocolVersion: client.#version,
      cleanStart: !isDurable,
      keepAlive: 0,
      clientId,
      properties: client.#version === 5
        ? {
          ...(isDurable ? { sessionExpiryInterval: 3600 } : {}),
          ...(receiveMaximum === undefined ? {} : { receiveMaximum }),
        }
        : {},
      will: options.will ?? null,
      username: null,
      password: null,
    });
    return client;
  }

  /** The texts that have come, in order. */
  get texts(): string[] {
    return this.received.map(({ text }) => text);
  }

  /** Sends any packet. */
  send(...packets: Packet[]): void {
    for (const packet of packets) this.#pipe.feed(encodePacket(packet, this.#version));
  }

  /** Sends any bytes. */
  sendBytes(bytes: Uint8Array<ArrayBuffer>): void {
    this.#pipe.feed(bytes);
  }

  /** Sends packets so that they arrive together. */
  sendTogether(...packets: Packet[]): void {
    this.#pipe.feed(concat(packets.map((packet) => encodePacket(packet, this.#version))));
  }

  /** Subscribes; returns the packet identifier. */
  subscribe(
    filter: string,
    qos: QoS = 2,
    more: Partial<SubscriptionRequest> = {},
    properties: Properties = {},
  ): number {
    const packetId = ++this.#lastId;
    const plain = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
    const subscriptions = [{ filter, qos, ...plain, ...more }];
    this.send({ type: "subscribe", packetId, properties, subscriptions });
    return packetId;
  }

  /** Unsubscribes. */
  unsubscribe(filter: string): void {
    const packetId = ++this.#lastId;
    this.send({ type: "unsubscribe", packetId, properties: {}, filters: [filter] });
  }

  /** Publishes a text; returns the packet identifier. */
  publish(
    topic: string,
    text: string,
    qos: QoS = 0,
    more: { retain?: boolean; properties?: Properties; packetId?: number; dup?: boolean } = {},
  ): number {
    const packetId = more.packetId ?? (qos === 0 ? 0 : ++this.#lastId);
    const { retain = false, properties = {}, dup = false } = more;
    const payload = encoder.encode(text);
    this.send({ type: "publish", topic, payload, qos, retain, dup, packetId, properties });
    return packetId;
  }

  /** Closes without a word. */
  cut(): void {
    if (!this.isClosed) this.#pipe.cut();
    this.isClosed = true;
  }

  #take(packet: Packet): void {
    if (ANSWERS.includes(packet.type)) this.answers.push(packet);
    switch (packet.type) {
      case "connack":
        this.connack = packet;
        break;
      case "publish":
        this.#publish(packet);
        break;
      case "suback":
        this.subacks.set(packet.packetId, packet.reasonCodes);
        break;
      case "puback":
        this.acked.set(packet.packetId, packet.reasonCode);
        break;
      case "pubrec":
        this.acked.set(packet.packetId, packet.reasonCode);
        if (packet.reasonCode < 0x80) this.#answer("pubrel", packet.packetId);
        break;
      case "pubrel":
        this.#held.delete(packet.packetId);
        this.#answer("pubcomp", packet.packetId);
        break;
      default:
    }
  }

  #publish(packet: PublishPacket): void {
    const { topic, payload, qos, dup, retain, packetId } = packet;
    const isRepeated = qos === 2 && this.#held.has(packetId);
    if (!isRepeated) {
      this.publishes.push(packet);
      this.received.push({ topic, text: decoder.decode(payload), qos, dup, retain });
    }
    if (!this.#acknowledges || qos === 0) return;
    if (qos === 2) this.#held.add(packetId);
    this.#answer(qos === 1 ? "puback" : "pubrec", packetId);
  }

  #answer(type: "puback" | "pubrec" | "pubrel" | "pubcomp", packetId: number): void {
    // The pipe must not be fed while it writes.
    queueMicrotask(() => this.send({ type, packetId, reasonCode: 0, properties: {} }));
  }
}
