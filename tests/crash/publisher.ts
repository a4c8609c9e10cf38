import { type ConnectFields, publish, pubrel, type QoS } from "../harness/packets.ts";
import { Random } from "../harness/random.ts";
import { Client, DURABLE } from "./client.ts";
import type { Sent } from "./ledger.ts";
import { type Frame, uint16At, type Wire } from "./wire.ts";
import type { World } from "./world.ts";

/** Messages of one publisher. */
const MESSAGES_MAX = 700;
const PUBACK = 4;
const PUBREC = 5;
const PUBCOMP = 7;

/** A message that was not answered to its end. */
interface Unanswered {
  readonly message: Sent;
  readonly retain: boolean;
  isReleased: boolean;
}

/** Publishes with QoS 1 and 2, and again what was not answered. */
export class Publisher extends Client {
  readonly #topics: readonly string[];
  readonly #window: number;
  readonly #unanswered = new Map<number, Unanswered>();
  #lastId = 0;
  #count = 0;

  constructor(world: World, random: Random, clientId: string, topics: readonly string[]) {
    super(world, random, clientId);
    this.#topics = topics;
    this.#window = random.pick([1, 4, 16, 64]);
  }

  /** Whether everything it has sent is answered. */
  get isDone(): boolean {
    return this.#unanswered.size === 0;
  }

  protected override connect(): ConnectFields {
    return { clean: false, ...(this.level === 5 ? { properties: DURABLE } : {}) };
  }

  protected override connected(wire: Wire): void {
    for (const [packetId, { message, retain, isReleased }] of this.#unanswered) {
      if (isReleased) wire.send(pubrel(packetId));
      else wire.send(this.#packet(message, packetId, retain, true));
    }
    this.#goOn(wire);
  }

  protected override take(wire: Wire, { type, body }: Frame): void {
    const packetId = uint16At(body, 0);
    const reasonCode = body[2] ?? 0;
    const unanswered = this.#unanswered.get(packetId);
    if (unanswered === undefined) {
      return this.world.fault(`${this.clientId}: an answer ${type} to ${packetId} out of nothing`);
    }
    const { message } = unanswered;
    if (reasonCode >= 0x80 && type !== PUBCOMP) {
      this.world.fault(`${this.clientId}: #${message.key} was refused with ${reasonCode}`);
    }
    if (type !== PUBCOMP) {
      message.promisedAt = Math.min(message.promisedAt, this.world.ledger.tick());
    }
    if (type === PUBREC) {
      unanswered.isReleased = true;
      wire.send(pubrel(packetId));
    } else if (type === PUBACK || type === PUBCOMP) {
      this.#unanswered.delete(packetId);
      this.#goOn(wire);
    }
  }

  protected override lost(): void {}

  protected override leaveLater(): Promise<void> {
    return Promise.resolve();
  }

  protected override between(): Promise<void> {
    return this.world.pause(this.random, 20);
  }

  /** Publishes as long as there is room, and then takes a breath now and then. */
  async #goOn(wire: Wire): Promise<void> {
    if (this.random.chance(0.1)) await this.world.pause(this.random, 20);
    const { world } = this;
    while (world.isBusy && !wire.isClosed && this.wire === wire && this.#count < MESSAGES_MAX) {
      if (this.#unanswered.size >= this.#window) return;
      this.#publish(wire, this.random.pick(this.#topics), this.random.pick([1, 2]));
    }
  }

  /** Publishes one message to each topic, whatever the window is. */
  last(wire: Wire): void {
    for (const topic of this.#topics) this.#publish(wire, topic, 2);
  }

  #publish(wire: Wire, topic: string, qos: QoS): void {
    this.#count++;
    do this.#lastId = this.#lastId % 65_535 + 1; while (this.#unanswered.has(this.#lastId));
    const message = this.world.ledger.add(this.clientId, topic, qos);
    const retain = topic.startsWith("r/");
    this.#unanswered.set(this.#lastId, { message, retain, isReleased: false });
    wire.send(this.#packet(message, this.#lastId, retain, false));
  }

  #packet({ key, topic, qos }: Sent, packetId: number, retain: boolean, dup: boolean): Uint8Array {
    // The same whenever it is sent.
    const length = new Random(key).integer(0, this.world.payloadBytesMax);
    const payload = `${key} ${"x".repeat(length)}`;
    return publish(topic, payload, { level: this.level, qos, packetId, retain, dup });
  }
}
