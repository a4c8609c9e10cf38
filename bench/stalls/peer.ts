import {
  encodePacket,
  type Packet,
  PacketReader,
  type ProtocolVersion,
  type QoS,
} from "../../codec/mod.ts";

/** How long a case may take at most, in milliseconds. */
const DEADLINE_MS = 120_000;

/** How a peer connects. */
export interface PeerOptions {
  /** 4 by default. */
  version?: ProtocolVersion;
  /** Made up by default. */
  clientId?: string;
  /** True by default. */
  cleanStart?: boolean;
  /** Session Expiry Interval of 5.0, in seconds. */
  expirySeconds?: number;
  /** A topic to which its will is published. */
  will?: string;
  /** False for one that acknowledges nothing; true by default. */
  acknowledges?: boolean;
}

let made = 0;
/** Those that are connected. */
const peers = new Set<Peer>();

/** A client that sends whatever a case has it send, and answers as one must. */
export class Peer {
  /** How many PUBLISH packets have come. */
  received = 0;
  readonly #conn: Deno.Conn;
  readonly #version: ProtocolVersion;
  readonly #acknowledges: boolean;
  readonly #reader: PacketReader;
  readonly #waiting: { readonly type: Packet["type"]; readonly resolve: () => void }[] = [];
  #isOver = false;

  private constructor(conn: Deno.Conn, version: ProtocolVersion, acknowledges: boolean) {
    this.#conn = conn;
    this.#version = version;
    this.#acknowledges = acknowledges;
    this.#reader = new PacketReader({ version });
  }

  /** Connects, and waits for CONNACK. */
  static async connect(port: number, options: PeerOptions = {}): Promise<Peer> {
    const { version = 4, acknowledges = true } = options;
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    const peer = new Peer(conn, version, acknowledges);
    peers.add(peer);
    peer.#run();
    const answer = peer.answer("connack");
    await peer.send(connectOf(version, options));
    await answer;
    return peer;
  }

  /** Drops every connection: a case leaves that to whoever runs it. */
  static closeAll(): void {
    for (const peer of peers) peer.close();
  }

  /** Connects so many, some hundred at once. */
  static async crowd(port: number, count: number, of: (i: number) => PeerOptions): Promise<Peer[]> {
    const peers: Peer[] = [];
    for (let at = 0; at < count; at += 100) {
      const size = Math.min(100, count - at);
      const part = Array.from({ length: size }, (_, i) => Peer.connect(port, of(at + i)));
      peers.push(...await Promise.all(part));
    }
    return peers;
  }

  /** Sends packets in as few writes as possible. */
  async send(...packets: Packet[]): Promise<void> {
    await this.sendBytes(this.encode(...packets));
  }

  /** Packets as bytes. */
  encode(...packets: Packet[]): Uint8Array {
    const parts = packets.map((packet) => encodePacket(packet, this.#version));
    const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  /** Sends bytes. */
  async sendBytes(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
  }

  /** Resolves when the next packet of a type has come. */
  answer(type: Packet["type"]): Promise<void> {
    if (this.#isOver) return Promise.reject(new Error(`The connection is over; no ${type}`));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(new Error(`No ${type} in time`)), DEADLINE_MS);
    this.#waiting.push({ type, resolve });
    return promise.finally(() => clearTimeout(timer));
  }

  /** Subscribes in one SUBSCRIBE, and waits for the answer. */
  async subscribe(filters: readonly string[], qos: QoS = 0, identifier = 0): Promise<void> {
    const answer = this.answer("suback");
    await this.send(subscribeOf(filters, qos, identifier));
    await answer;
  }

  /** Waits until everything sent before was dealt with. */
  async settle(): Promise<void> {
    const answer = this.answer("pingresp");
    await this.send({ type: "pingreq" });
    await answer;
  }

  /** Drops the connection. */
  close(): void {
    peers.delete(this);
    if (this.#isOver) return;
    this.#isOver = true;
    this.#conn.close();
  }

  async #run(): Promise<void> {
    const chunk = new Uint8Array(65_536);
    try {
      for (;;) {
        const count = await this.#conn.read(chunk);
        if (count === null) break;
        this.#reader.push(chunk.slice(0, count));
        for (let packet; (packet = this.#reader.read()) !== null;) await this.#handle(packet);
      }
    } catch (error) {
      // One that is taken over may be cut off.
      if (!this.#isOver && !(error instanceof Deno.errors.ConnectionReset)) throw error;
    }
    this.#isOver = true;
  }

  async #handle(packet: Packet): Promise<void> {
    const at = this.#waiting.findIndex(({ type }) => type === packet.type);
    if (at >= 0) this.#waiting.splice(at, 1)[0]!.resolve();
    if (packet.type !== "publish") return;
    this.received++;
    if (packet.qos !== 1 || !this.#acknowledges) return;
    const { packetId } = packet;
    await this.send({ type: "puback", packetId, reasonCode: 0, properties: {} });
  }
}

/** A SUBSCRIBE. */
export function subscribeOf(filters: readonly string[], qos: QoS = 0, identifier = 0): Packet {
  const subscriptions = filters.map((filter) => ({
    filter,
    qos,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0 as const,
  }));
  const properties = identifier > 0 ? { subscriptionIdentifiers: [identifier] } : {};
  return { type: "subscribe", packetId: 1, properties, subscriptions };
}

/** A PUBLISH. */
export function publishOf(
  topic: string,
  more: { qos?: QoS; retain?: boolean; packetId?: number; bytes?: number; properties?: object } =
    {},
): Packet {
  const { qos = 0, retain = false, packetId = 0, bytes = 16, properties = {} } = more;
  const payload = new Uint8Array(bytes).fill(0x2e);
  return { type: "publish", topic, payload, qos, retain, dup: false, packetId, properties };
}

function connectOf(version: ProtocolVersion, options: PeerOptions): Packet {
  const { clientId = `stall${made++}`, cleanStart = true, expirySeconds, will } = options;
  return {
    type: "connect",
    protocolVersion: version,
    cleanStart,
    keepAlive: 0,
    clientId,
    properties: expirySeconds === undefined ? {} : { sessionExpiryInterval: expirySeconds },
    will: will === undefined ? null : {
      topic: will,
      payload: new Uint8Array(16),
      qos: 0,
      retain: false,
      properties: {},
    },
    username: null,
    password: null,
  };
}
