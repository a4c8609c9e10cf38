import { concat } from "@std/bytes";
import { type ConnectFields, type Level, puback, subscribe, uint16 } from "../harness/packets.ts";
import { Client } from "./client.ts";
import { matches, type Sent } from "./ledger.ts";
import { type Frame, uint16At, type Wire } from "./wire.ts";

const PUBLISH = 3;
const SUBACK = 9;
/** How long it stays at most, in milliseconds. */
const STAY_MS = 600;

const decoder = new TextDecoder();

/**
 * Reads the stream of everything below `t/`, each time after the last message it has got: it needs
 * no session, and has to get each message once, in order, whatever happens to the broker.
 */
export class Follower extends Client {
  /** Only 5.0 tells sequences. */
  override readonly level: Level = 5;
  /** Which message each sequence is: with 1 it begins. */
  readonly #keys: number[] = [];
  #messages = new Set<number>();

  /** What was promised, and is not in the stream. */
  missing(sent: readonly Sent[]): Sent[] {
    return sent.filter(({ key, topic, promisedAt }) =>
      promisedAt < Infinity && matches("t/#", topic) && !this.#messages.has(key)
    );
  }

  /** How many messages it has got. */
  get count(): number {
    return this.#keys.length;
  }

  protected override connect(): ConnectFields {
    const receiveMaximum = concat([
      Uint8Array.of(0x21),
      uint16(this.random.pick([1, 20, 1000])),
    ]);
    return { clean: true, properties: receiveMaximum };
  }

  protected override connected(wire: Wire): void {
    const { level } = this;
    wire.send(subscribe({ [`$replay/day/after=${this.#keys.length}/t/#`]: 1 }, { level }));
  }

  protected override take(wire: Wire, { type, flags, body }: Frame): void {
    if (type === SUBACK) {
      if (body.at(-1) !== 1) this.world.fault(`${this.clientId}: granted ${body.at(-1)}`);
      return;
    }
    if (type !== PUBLISH || (flags >> 1 & 3) !== 1) {
      return this.world.fault(`${this.clientId}: a packet ${type} with ${flags}`);
    }
    const topicEnd = 2 + uint16At(body, 0);
    wire.send(puback(uint16At(body, topicEnd)));
    // The marks have less than 128 bytes.
    const properties = topicEnd + 3;
    const payload = properties + body[properties - 1]!;
    const marks = userProperties(body.subarray(properties, payload));
    const key = parseInt(decoder.decode(body.subarray(payload, payload + 12)));
    this.#got(Number(marks.get("stream-seq")), key, marks.get("stream-gap"));
  }

  protected override lost(): void {}

  protected override async leaveLater(wire: Wire): Promise<void> {
    await this.world.away(this.random, STAY_MS);
    if (this.world.isBusy) this.leave(wire, this.random.pick(["disconnect", "drop"]));
  }

  protected override async between(): Promise<void> {
    await this.world.pause(this.random, 100);
  }

  #got(seq: number, key: number, gap: string | undefined): void {
    const { ledger } = this.world;
    const next = this.#keys.length + 1;
    if (seq !== next || gap !== undefined) {
      this.world.fault(`${this.clientId}: got ${seq} instead of ${next}, told of ${gap}`);
    }
    this.#keys.push(key);
    const message = ledger.sent[key];
    if (message === undefined || !matches("t/#", message.topic)) {
      return this.world.fault(`${this.clientId}: #${key} was never sent there`);
    }
    // With QoS 1 it may have arrived once more.
    if (message.qos === 2 && this.#messages.has(key)) {
      this.world.fault(`${this.clientId}: #${key}, QoS 2, is in the stream twice`);
    }
    this.#messages.add(key);
  }
}

/** The User Properties of a packet that has no others. */
function userProperties(bytes: Uint8Array): Map<string, string> {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    if (texts.length % 2 === 0) at++;
    const end = at + 2 + uint16At(bytes, at);
    texts.push(decoder.decode(bytes.subarray(at + 2, end)));
    at = end;
  }
  return new Map(texts.flatMap((name, i) => i % 2 === 0 ? [[name, texts[i + 1]!]] : []));
}
