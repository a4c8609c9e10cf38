import { concat } from "@std/bytes";
import {
  type ConnectFields,
  puback,
  pubcomp,
  pubrec,
  subscribe,
  uint16,
  unsubscribe,
} from "../harness/packets.ts";
import type { Random } from "../harness/random.ts";
import { Client, DURABLE } from "./client.ts";
import type { Received } from "./ledger.ts";
import { type Frame, uint16At, type Wire } from "./wire.ts";
import type { World } from "./world.ts";

const PUBLISH = 3;
const PUBREL = 6;
const SUBACK = 9;
const UNSUBACK = 11;
/** Packet identifiers of SUBSCRIBE and UNSUBSCRIBE. */
const SUBSCRIBE_ID = 1;
const UNSUBSCRIBE_ID = 2;

/** How a subscriber behaves. */
export interface Habits {
  /** How long it stays connected at most, in milliseconds; 0 if it only comes to subscribe. */
  readonly stayMs: number;
  /** How long it stays away at most, in milliseconds. */
  readonly awayMs: number;
  /** Whether it ends its subscription one day. */
  readonly unsubscribes: boolean;
}

/** A durable session whose client comes and goes, with one subscription. */
export class Subscriber extends Client {
  readonly received: Received;
  readonly #habits: Habits;
  /** The identifiers of QoS 2 messages that were not released. */
  readonly #unreleased = new Set<number>();
  #visits = 0;

  constructor(
    world: World,
    random: Random,
    clientId: string,
    received: Received,
    habits: Habits,
  ) {
    super(world, random, clientId);
    this.received = received;
    this.#habits = habits;
  }

  /** Whether it was told that it is subscribed. */
  get isSubscribed(): boolean {
    return this.#isSubscribed;
  }

  #isSubscribed = false;

  protected override connect(): ConnectFields {
    if (this.level < 5) return { clean: false };
    const receiveMaximum = concat([
      Uint8Array.of(0x21),
      uint16(this.random.pick([1, 3, 20, 1000])),
    ]);
    return { clean: false, properties: concat([DURABLE, receiveMaximum]) };
  }

  protected override connected(wire: Wire, isPresent: boolean): void {
    const { subscription } = this.received;
    const { level } = this;
    // Without a session there is nothing to release.
    if (!isPresent) this.#unreleased.clear();
    if (!this.#isSubscribed) {
      const filters = { [subscription.filter]: subscription.qos };
      wire.send(subscribe(filters, { level, packetId: SUBSCRIBE_ID }));
    } else if (subscription.untilAt < Infinity || this.#mayUnsubscribe()) {
      subscription.untilAt = Math.min(subscription.untilAt, this.world.ledger.tick());
      wire.send(unsubscribe([subscription.filter], { level, packetId: UNSUBSCRIBE_ID }));
    }
  }

  protected override take(wire: Wire, { type, flags, body }: Frame): void {
    if (type === PUBLISH) this.#message(wire, flags, body);
    else if (type === PUBREL) {
      const packetId = uint16At(body, 0);
      this.#unreleased.delete(packetId);
      wire.send(pubcomp(packetId));
    } else if (type === SUBACK) {
      const granted = body.at(-1)!;
      const { subscription } = this.received;
      if (granted !== subscription.qos) this.world.fault(`${this.clientId}: granted ${granted}`);
      subscription.sinceAt = Math.min(subscription.sinceAt, this.world.ledger.tick());
      this.#isSubscribed = true;
      if (this.world.isBusy && this.#habits.stayMs === 0) this.leave(wire, "disconnect");
    } else if (type !== UNSUBACK) this.world.fault(`${this.clientId}: a packet ${type}`);
  }

  protected override lost(): void {}

  /** Comes and goes; in the end it stays. */
  protected override async leaveLater(wire: Wire): Promise<void> {
    const { stayMs } = this.#habits;
    if (stayMs === 0) return;
    await this.world.away(this.random, stayMs);
    if (!this.world.isBusy) return;
    this.leave(wire, this.random.pick(["disconnect", "drop"]));
  }

  protected override async between(): Promise<void> {
    if (this.#isSubscribed) await this.world.away(this.random, this.#habits.awayMs);
    else await this.world.pause(this.random, 20);
  }

  #mayUnsubscribe(): boolean {
    return this.#habits.unsubscribes && this.world.isBusy && ++this.#visits > 2;
  }

  #message(wire: Wire, flags: number, body: Uint8Array): void {
    const qos = flags >> 1 & 3;
    const topicEnd = 2 + uint16At(body, 0);
    const packetId = qos > 0 ? uint16At(body, topicEnd) : 0;
    let payload = topicEnd + (qos > 0 ? 2 : 0);
    // No test here makes properties of more than 127 bytes.
    if (this.level === 5) payload += 1 + body[payload]!;
    const key = parseInt(new TextDecoder().decode(body.subarray(payload, payload + 12)));
    if (qos === 2 && this.#unreleased.has(packetId)) return wire.send(pubrec(packetId));
    this.#count(key, flags, qos, new TextDecoder().decode(body.subarray(2, topicEnd)));
    if (qos === 2) {
      this.#unreleased.add(packetId);
      wire.send(pubrec(packetId));
    } else if (qos === 1) wire.send(puback(packetId));
  }

  #count(key: number, flags: number, qos: number, topic: string): void {
    const sent = this.world.ledger.sent[key];
    const { subscription, counts, order } = this.received;
    if (sent === undefined || sent.topic !== topic) {
      return this.world.fault(`${this.clientId}: #${key} of ${topic} was never sent`);
    }
    if (qos !== Math.min(sent.qos, subscription.qos)) {
      this.world.fault(`${this.clientId}: #${key} came with QoS ${qos}`);
    }
    // A retained message that comes with the subscription may come again as it is.
    if ((flags & 1) === 1) return;
    const count = counts.get(key) ?? 0;
    counts.set(key, count + 1);
    if (count === 0) order.push(key);
  }
}
