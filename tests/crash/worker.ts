import {
  type ConnectFields,
  frame,
  type Level,
  publish,
  subscribe,
  uint16,
} from "../harness/packets.ts";
import { concat } from "@std/bytes";
import type { Random } from "../harness/random.ts";
import { Client, DURABLE } from "./client.ts";
import { type GroupBook, isRefused } from "./group_book.ts";
import { type MarkedPublish, markedPublish } from "./marked_publish.ts";
import { type Frame, uint16At, type Wire } from "./wire.ts";
import type { World } from "./world.ts";

const PUBLISH = 3;
const PUBACK = 4;
const SUBACK = 9;
/** How long it stays at most, in milliseconds. */
const STAY_MS = 700;
/** The reason code Not authorized, with which it refuses. */
const REFUSED = 0x87;
const SUBSCRIBE_ID = 1;

/**
 * A member of a group that reads the stream `day`. It acknowledges, or refuses, or goes with what it
 * has, and sometimes asks for a promise: when the PUBACK of a message comes that it has published
 * after its acknowledgements, the disk holds them all; but only if it lives where the stream is.
 */
export class Worker extends Client {
  override readonly level: Level = 5;
  readonly #book: GroupBook;
  readonly #isDurable: boolean;
  #openedAt = 0;
  /** The last sequence of this connection that was not given again. */
  #last = 0;
  /** What it has acknowledged on this connection, and was not promised. */
  #acknowledged: number[] = [];
  /** What is promised with a PUBACK, by packet identifier. */
  readonly #asked = new Map<number, readonly number[]>();
  #lastId = SUBSCRIBE_ID;
  #isMember = false;

  constructor(world: World, random: Random, clientId: string, book: GroupBook) {
    super(world, random, clientId);
    this.#book = book;
    this.#isDurable = random.chance(0.5);
  }

  /** Whether it has ever been told that it is a member. */
  get isMember(): boolean {
    return this.#isMember;
  }

  protected override get readsStreams(): boolean {
    return true;
  }

  protected override connect(): ConnectFields {
    const receiveMaximum = concat([Uint8Array.of(0x21), uint16(this.random.pick([1, 5, 200]))]);
    return this.#isDurable
      ? { clean: false, properties: concat([DURABLE, receiveMaximum]) }
      : { clean: true, properties: receiveMaximum };
  }

  protected override connected(wire: Wire, isPresent: boolean): void {
    this.#openedAt = this.world.ledger.tick();
    this.#last = 0;
    if (isPresent && this.#isMember) return;
    const filter = `$share/${this.#book.name}/$replay/day/earliest/t/#`;
    wire.send(subscribe({ [filter]: 1 }, { level: 5, packetId: SUBSCRIBE_ID }));
  }

  protected override take(wire: Wire, { type, flags, body }: Frame): void {
    // What came before it has left is not its any more.
    if (wire.isClosed) return;
    if (type === SUBACK) {
      this.#isMember ||= this.isGranted(wire, body.at(-1), 1);
    } else if (type === PUBACK) this.#promised(uint16At(body, 0));
    else if (type === PUBLISH && (flags >> 1 & 3) === 1) this.#message(wire, markedPublish(body));
    else this.world.fault(`${this.clientId}: a packet ${type} with ${flags}`);
  }

  protected override lost(): void {
    this.#acknowledged = [];
    this.#asked.clear();
  }

  protected override async leaveLater(wire: Wire): Promise<void> {
    await this.world.away(this.random, STAY_MS);
    if (this.world.isBusy) this.leave(wire, this.random.pick(["disconnect", "drop"]));
  }

  protected override async between(): Promise<void> {
    await this.world.pause(this.random, 100);
  }

  #message(wire: Wire, message: MarkedPublish): void {
    const { seq, key, marks, packetId } = message;
    const fault = (text: string) => this.world.fault(`${this.clientId}: was given ${seq} ${text}`);
    this.#book.got(this.clientId, message, this.#openedAt);
    if (marks.has("stream-gap")) fault(`and told of ${marks.get("stream-gap")}`);
    if (this.#book.isExclusive) {
      if (seq <= this.#last) fault(`after ${this.#last}`);
      this.#last = seq;
    }
    // It is killed with what it has in its hands.
    if (this.world.isBusy && this.random.chance(0.002)) return this.leave(wire, "drop");
    this.#book.answered.add(seq);
    if (isRefused(key)) return wire.send(frame(0x40, uint16(packetId), Uint8Array.of(REFUSED, 0)));
    wire.send(frame(0x40, uint16(packetId)));
    if (!this.world.isWithStreams(this.clientId)) return;
    this.#acknowledged.push(seq);
    if (this.random.chance(0.05)) this.#ask(wire);
  }

  /** Publishes something after its acknowledgements. */
  #ask(wire: Wire): void {
    if (this.#asked.size > 50) return;
    do this.#lastId = this.#lastId % 65_535 + 1; while (
      this.#lastId === SUBSCRIBE_ID || this.#asked.has(this.#lastId)
    );
    this.#asked.set(this.#lastId, this.#acknowledged.splice(0));
    // A retained message is in the next commit, whoever has subscribed to it.
    const fields = { level: 5, qos: 1, retain: true, packetId: this.#lastId } as const;
    wire.send(publish(`n/${this.clientId}`, "done", fields));
  }

  #promised(packetId: number): void {
    const now = this.world.ledger.tick();
    for (const seq of this.#asked.get(packetId) ?? []) this.#book.committed.set(seq, now);
    this.#asked.delete(packetId);
  }
}
