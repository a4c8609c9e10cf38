import { concat } from "@std/bytes";
import { type ConnectFields, type Level, puback, subscribe, uint16 } from "../harness/packets.ts";
import type { Random } from "../harness/random.ts";
import { Client } from "./client.ts";
import { matches, type Sent } from "./ledger.ts";
import { type MarkedPublish, markedPublish } from "./marked_publish.ts";
import type { Frame, Wire } from "./wire.ts";
import type { World } from "./world.ts";

const PUBLISH = 3;
const SUBACK = 9;
/** How long it stays at most, in milliseconds. */
const STAY_MS = 600;

/** What a follower reads. */
export interface Followed {
  readonly stream: string;
  readonly filter: string;
}

/**
 * Reads a whole stream, each time after the last message it has got: it needs no session, and has to
 * get each message once, in order, whatever happens to the broker.
 */
export class Follower extends Client {
  /** Only 5.0 tells sequences. */
  override readonly level: Level = 5;
  /** What it reads. */
  protected readonly followed: Followed;
  /** Which message each sequence is: with 1 it begins. */
  readonly #keys: number[] = [];
  #messages = new Set<number>();

  constructor(world: World, random: Random, clientId: string, followed: Followed) {
    super(world, random, clientId);
    this.followed = followed;
  }

  /** What was promised, and is not in the stream. */
  missing(sent: readonly Sent[]): Sent[] {
    return sent.filter(({ key, topic, promisedAt }) =>
      promisedAt < Infinity && matches(this.followed.filter, topic) && !this.#messages.has(key)
    );
  }

  /** How many messages it has got. */
  get count(): number {
    return this.#keys.length;
  }

  /** The number of the message with each sequence; that of sequence 1 comes first. */
  get keys(): readonly number[] {
    return this.#keys;
  }

  protected override get readsStreams(): boolean {
    return true;
  }

  protected override connect(): ConnectFields {
    const receiveMaximum = concat([
      Uint8Array.of(0x21),
      uint16(this.random.pick([1, 20, 1000])),
    ]);
    return { clean: true, properties: receiveMaximum };
  }

  protected override connected(wire: Wire, _isPresent: boolean): void {
    const { level } = this;
    const { stream, filter } = this.followed;
    wire.send(subscribe({ [`$replay/${stream}/after=${this.count}/${filter}`]: 1 }, { level }));
  }

  protected override take(wire: Wire, { type, flags, body }: Frame): void {
    if (type === SUBACK) {
      this.isGranted(wire, body.at(-1), 1);
      return;
    }
    if (type !== PUBLISH || (flags >> 1 & 3) !== 1) {
      return this.world.fault(`${this.clientId}: a packet ${type} with ${flags}`);
    }
    const message = markedPublish(body);
    wire.send(puback(message.packetId));
    this.accept(message);
  }

  /** A message has come that it has not got yet. */
  protected accept(message: MarkedPublish): void {
    const next = this.count + 1;
    const gap = message.marks.get("stream-gap");
    if (message.seq !== next || gap !== undefined) {
      this.world.fault(`${this.clientId}: got ${message.seq} instead of ${next}, told of ${gap}`);
    }
    this.#keys.push(message.key);
    this.got(message);
    this.#messages.add(message.key);
  }

  /** The next message has come. */
  protected got({ key }: MarkedPublish): void {
    const sent = this.world.ledger.sent[key];
    if (sent === undefined || !matches(this.followed.filter, sent.topic)) {
      return this.world.fault(`${this.clientId}: #${key} was never sent there`);
    }
    // With QoS 1 it may have arrived once more.
    if (sent.qos === 2 && this.#messages.has(key)) {
      this.world.fault(`${this.clientId}: #${key}, QoS 2, is in the stream twice`);
    }
  }

  protected override lost(): void {}

  protected override async leaveLater(wire: Wire): Promise<void> {
    await this.world.away(this.random, STAY_MS);
    if (this.world.isBusy) this.leave(wire, this.random.pick(["disconnect", "drop"]));
  }

  protected override async between(): Promise<void> {
    await this.world.pause(this.random, 100);
  }
}
