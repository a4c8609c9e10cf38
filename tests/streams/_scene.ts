import { assertEquals } from "@std/assert";
import { Broker, type BrokerLimits, type BrokerOptions, type StreamOptions } from "../../mod.ts";
import type { ListenerRules } from "../../broker/base/listener_options.ts";
import {
  encodePacket,
  type Packet,
  PacketReader,
  type ProtocolVersion,
  type QoS,
  type UserProperty,
} from "../../codec/mod.ts";
import { MemoryStore, type Store } from "../../store/mod.ts";
import { InstantPipe } from "../harness/instant_pipe.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";

/** When the wall clock of a scene begins. */
export const START = Date.UTC(2026, 10, 28, 12);

/** Everything published to `t/…`, as much as a test needs. */
export const DAY: StreamOptions = { name: "day", filters: ["t/#"], maxMessages: 100_000 };

/** How a client connects. */
export interface Joining {
  readonly clean?: boolean;
  readonly expiry?: number;
  readonly receiveMaximum?: number;
  readonly maximumPacketSize?: number;
  readonly acknowledges?: boolean;
  /** Of the listener that it comes by. */
  readonly rules?: ListenerRules;
}

/** How a client subscribes. */
export interface Subscribing {
  readonly qos?: QoS;
  readonly user?: UserProperty[];
  readonly identifier?: number;
  readonly retainHandling?: 0 | 1 | 2;
  readonly noLocal?: boolean;
}

/** A PUBLISH as a client has got it. */
export type Received = Extract<Packet, { type: "publish" }>;

/** A client whose every packet is there at once. */
export class SceneClient {
  readonly pipe: InstantPipe;
  /** What has come and was not taken yet. */
  readonly packets: Packet[] = [];
  /** Whether it acknowledges what it gets. */
  acknowledges = true;
  /** With which reason code. */
  answer: (payload: string) => number = () => 0;
  readonly #clock: VirtualClock;
  readonly #reader: PacketReader;
  #packetId = 0;

  constructor(scene: Scene, readonly version: ProtocolVersion, rules?: ListenerRules) {
    this.#clock = scene.clock;
    this.#reader = new PacketReader({ version });
    this.pipe = new InstantPipe(Infinity, (bytes) => {
      this.#reader.push(bytes.slice());
      for (let packet = this.#reader.read(); packet !== null; packet = this.#reader.read()) {
        // The payload is a view of what the next packet overwrites.
        this.packets.push(
          "payload" in packet ? { ...packet, payload: packet.payload.slice() } : packet,
        );
        if (packet.type === "publish" && packet.qos === 1 && this.acknowledges) {
          const { packetId, payload } = packet;
          const reasonCode = this.answer(new TextDecoder().decode(payload));
          queueMicrotask(() => this.send({ type: "puback", packetId, reasonCode, properties: {} }));
        }
      }
    });
    const policy = rules === undefined ? undefined : scene.broker.listenerPolicy(rules);
    scene.broker.accept(this.pipe, { address: `192.0.2.${scene.clients++ % 200}` }, policy);
  }

  send(packet: Packet): void {
    this.pipe.feed(encodePacket(packet, this.version));
  }

  async take<T extends Packet["type"]>(type: T): Promise<Extract<Packet, { type: T }>[]> {
    await this.#clock.settle();
    const taken: Packet[] = [];
    const kept: Packet[] = [];
    for (const packet of this.packets) (packet.type === type ? taken : kept).push(packet);
    this.packets.splice(0, Infinity, ...kept);
    return taken as Extract<Packet, { type: T }>[];
  }

  async publish(topic: string, payload: string, qos: QoS = 0, retain = false): Promise<void> {
    const packetId = qos === 0 ? 0 : ++this.#packetId;
    this.send({
      type: "publish",
      topic,
      payload: new TextEncoder().encode(payload),
      qos,
      retain,
      dup: false,
      packetId,
      properties: {},
    });
    await this.#clock.settle();
  }

  async subscribe(filters: string | string[], how: Subscribing = {}) {
    const { qos = 0, user, identifier, retainHandling = 0, noLocal = false } = how;
    this.send({
      type: "subscribe",
      packetId: ++this.#packetId,
      properties: {
        ...(user === undefined ? {} : { userProperties: user }),
        ...(identifier === undefined ? {} : { subscriptionIdentifiers: [identifier] }),
      },
      subscriptions: [filters].flat().map((filter) => {
        return { filter, qos, noLocal, retainAsPublished: false, retainHandling };
      }),
    });
    const [suback] = await this.take("suback");
    return suback!;
  }

  async unsubscribe(filter: string) {
    this.send({
      type: "unsubscribe",
      packetId: ++this.#packetId,
      properties: {},
      filters: [filter],
    });
    const [unsuback] = await this.take("unsuback");
    return unsuback!;
  }

  /** The payloads of the messages that have come. */
  async payloads(): Promise<string[]> {
    return (await this.take("publish")).map(({ payload }) => new TextDecoder().decode(payload));
  }

  /** Acknowledges messages that it was sent, in their order. */
  async acknowledge(messages: readonly Received[], reasonCode = 0): Promise<void> {
    for (const { packetId } of messages) {
      this.send({ type: "puback", packetId, reasonCode, properties: {} });
    }
    await this.#clock.settle();
  }

  /** Goes, as a network that fails. */
  async leave(): Promise<void> {
    this.pipe.cut();
    await this.#clock.settle();
  }
}

/** What a scene may be told. */
export interface SceneOptions extends BrokerOptions {
  readonly store?: Store | null;
  readonly limits?: Partial<BrokerLimits>;
  readonly clock?: VirtualClock;
}

/** A broker with streams, on virtual time, and clients that talk to it. */
export class Scene implements AsyncDisposable {
  readonly clock: VirtualClock;
  readonly failures: unknown[] = [];
  /** How many clients there were. */
  clients = 0;
  #broker!: Broker;

  private constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  static async open(options: SceneOptions = {}, streams = [DAY]): Promise<Scene> {
    const { store = new MemoryStore(), clock = new VirtualClock(), ...rest } = options;
    const scene = new Scene(clock);
    const all = {
      heap: null,
      ...rest,
      clock,
      wallClock: () => START + clock.now(),
      hooks: { ...rest.hooks, failed: (error: unknown) => void scene.failures.push(error) },
    };
    const opening = store === null ? Promise.resolve(new Broker(all)) : Broker.open(store, all);
    await clock.settle();
    scene.#broker = await opening;
    for (const stream of streams) await scene.broker.declareStream(stream);
    await clock.settle();
    return scene;
  }

  get broker(): Broker {
    return this.#broker;
  }

  /** A client that is let in. */
  async join(
    clientId = "",
    version: ProtocolVersion = 5,
    how: Joining = {},
  ): Promise<SceneClient> {
    const { clean = true, expiry, receiveMaximum, maximumPacketSize, acknowledges = true } = how;
    const client = new SceneClient(this, version, how.rules);
    client.acknowledges = acknowledges;
    client.send({
      type: "connect",
      protocolVersion: version,
      clientId,
      cleanStart: clean,
      keepAlive: 0,
      properties: version < 5 ? {} : {
        ...(expiry === undefined ? {} : { sessionExpiryInterval: expiry }),
        ...(receiveMaximum === undefined ? {} : { receiveMaximum }),
        ...(maximumPacketSize === undefined ? {} : { maximumPacketSize }),
      },
      will: null,
      username: null,
      password: null,
    });
    const [connack] = await client.take("connack");
    assertEquals(connack?.reasonCode, 0);
    return client;
  }

  /** Publishes messages `1` … `count` to `t/1` as the program, and waits until they are stored. */
  async fill(count: number, from = 1, topic = "t/1"): Promise<void> {
    for (let i = from; i < from + count; i++) this.broker.publish(topic, `${i}`);
    await this.clock.settle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = this.broker.close({ graceMs: 0 });
    await this.clock.advance(10_000);
    await closing;
    assertEquals(this.failures, []);
  }
}

/** `from` … `to` as texts. */
export function texts(from: number, to: number): string[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => `${from + i}`);
}
