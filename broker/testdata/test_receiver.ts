import { PacketReader } from "../../codec/mod.ts";
import type { ByteCursor } from "../../log/byte_cursor.ts";
import type { ByteLog } from "../../log/byte_log.ts";
import type { Log } from "../../log/log.ts";
import type { Variant } from "../../router/variant.ts";
import { Backlog, type MessageFollows } from "../delivery/backlog.ts";
import type { DurableLog } from "../durable/durable_log.ts";
import type { Message } from "../base/message.ts";
import type { Origin } from "../base/origin.ts";
import type { Follows } from "../delivery/outbox_trail.ts";
import {
  type BacklogRoom,
  type Follower,
  Rank,
  type Receiver,
  type Wire,
  wireClassOf,
} from "../delivery/subscriber.ts";
import type { PublishBatch } from "../delivery/publish_batch.ts";
import { textOf } from "./messages.ts";

const decoder = new TextDecoder();

/** A receiver that follows what it may, and tells in words what it got and how. */
export class TestReceiver implements Receiver, Follower {
  isDurable = false;
  keepsMessages = false;
  readonly wireClass: number;
  /** Whether it can be written to. */
  isConnected = true;
  /** Topics it may not receive; `null` when it is never asked. */
  denied: Set<string> | null = null;
  /** Whether its backlog has room. */
  hasRoom = true;
  /** How well it can take a message of a group while its backlog has room: one of `Rank`. */
  standing: number = Rank.ready;
  /** What it was handed one by one. */
  readonly received: string[] = [];
  /** How often it was asked to look at its lag or backlog. */
  checks = 0;
  readonly #v5: boolean;
  readonly #backlog = new Backlog();
  #bytes: { cursor: ByteCursor; follows: Follows } | null = null;

  constructor(readonly clientId: string, wire: Partial<Wire> = {}) {
    const { v5 = true, packetBytesMax = 100_000 } = wire;
    this.#v5 = v5;
    this.wireClass = wireClassOf({ v5, packetBytesMax });
  }

  get follower(): Follower | null {
    return this;
  }

  isOrigin(origin: Origin): boolean {
    return origin.isClient(this.clientId);
  }

  get isRestricted(): boolean {
    return this.denied !== null;
  }

  mayReceive(topic: string): boolean {
    return !this.denied?.has(topic);
  }

  /** What came by a shared log of bytes since the last time, as payload and identifiers. */
  readBytes(): string[] {
    if (this.#bytes === null) return [];
    const { cursor } = this.#bytes;
    const reader = new PacketReader({ version: this.#v5 ? 5 : 4 });
    while (cursor.position < cursor.log.end) {
      reader.push(cursor.take(cursor.log.end, cursor.log.frames));
    }
    const texts: string[] = [];
    for (let packet = reader.read(); packet !== null; packet = reader.read()) {
      if (packet.type !== "publish") throw new Error(`Not a PUBLISH: ${packet.type}`);
      const { payload, properties } = packet;
      const identifiers = properties.subscriptionIdentifiers ?? [];
      texts.push([decoder.decode(payload), ...identifiers].join(" "));
    }
    return texts;
  }

  /** What came by a shared log of messages, or waits for another reason. */
  readMessages(): string[] {
    const texts: string[] = [];
    for (let next = this.#backlog.peek(); next !== null; next = this.#backlog.peek()) {
      texts.push(textOf(next));
      this.#backlog.shift();
    }
    return texts;
  }

  /** Has something else written, which ends following bytes. */
  leave(): void {
    const { follows } = this.#bytes!;
    this.#bytes = null;
    follows.onLeft();
  }

  receiveRun(run: PublishBatch, variant: Variant): void {
    for (const message of run.messages()) this.receive(message, variant);
  }

  receive(message: Message, variant: Variant): void {
    const identifiers = variant.identifiers ?? [];
    this.received.push([textOf(message), ...identifiers].join(" "));
  }

  rank(): number {
    return this.hasRoom ? this.standing : Rank.none;
  }

  isFull(): boolean {
    return !this.hasRoom;
  }

  followBytes(log: ByteLog, follows: Follows): boolean {
    if (this.isConnected) this.#bytes = { cursor: log.cursor(), follows };
    return this.isConnected;
  }

  followMessages(log: Log<Message> | DurableLog, follows: MessageFollows): BacklogRoom | null {
    if (!this.hasRoom) return null;
    this.#backlog.follow(log as Log<Message>, follows);
    return this.checkBacklog();
  }

  leaveBytes(follows: Follows): void {
    if (this.#bytes?.follows === follows) this.leave();
  }

  leaveMessages(follows: MessageFollows): void {
    this.#backlog.leave(follows);
  }

  checkLag(): void {
    this.checks++;
  }

  checkBacklog(): BacklogRoom {
    this.checks++;
    return { messages: 1000, bytes: 1e6, isAway: false };
  }
}
