/** The log of bytes that members of a group share: QoS 0 frames, written once for all of them. */
import { ByteLog } from "../../log/byte_log.ts";
import type { Variant } from "../../router/variant.ts";
import type { Message } from "../base/message.ts";
import type { Follows } from "./outbox_trail.ts";
import type { PublishBatch } from "./publish_batch.ts";
import { sendToLog } from "./publish_sender.ts";
import type { ByteFollower, Wire } from "./subscriber.ts";

/** How many bytes are appended between two checks of how far the members lag. */
const CHECK_BYTES = 64 * 1024;

/** The place of a member in a group, as the log of bytes sees it. */
export interface ByteSeat {
  /** Whether the member has left the group. */
  readonly isRemoved: boolean;
  readonly follower: ByteFollower;
  /** What the log is followed for. */
  readonly ofBytes: Follows;
}

/**
 * Members that follow the log cost nothing per message. Members on the idle list begin to follow it
 * at the next message.
 */
export class SharedByteLog {
  readonly #log = new ByteLog();
  /** All members of the group. */
  readonly #seats: readonly ByteSeat[];
  readonly #wire: Wire;
  readonly #variant: Variant;
  /** Members that do not follow the log, and some that are gone. */
  #idle: ByteSeat[] = [];
  /** How many follow the log. */
  #followed = 0;
  #checkAt = CHECK_BYTES;

  /** @param seats All members of the group; the group changes it. */
  constructor(seats: readonly ByteSeat[], wire: Wire, variant: Variant) {
    this.#seats = seats;
    this.#wire = wire;
    this.#variant = variant;
  }

  /** A member has joined the group. */
  onJoined(seat: ByteSeat): void {
    this.#idle.push(seat);
  }

  /** A member no longer follows the log, because something else was appended for it. */
  onLeft(seat: ByteSeat): void {
    this.#followed--;
    if (!seat.isRemoved) this.#idle.push(seat);
  }

  /** Removes members that are gone from the idle list. */
  tidy(): void {
    this.#idle = this.#idle.filter(({ isRemoved }) => !isRemoved);
  }

  /**
   * Makes at most `count` members follow the log. This is work that the next append would have to
   * do.
   *
   * @returns How many members it has handled; 0 if nothing is left to do.
   */
  prepare(count: number): number {
    const idle = this.#idle.splice(-count);
    this.#follow(idle);
    return idle.length;
  }

  /** Appends a run of QoS 0 frames. */
  run(run: PublishBatch): void {
    this.#followAll();
    if (this.#followed > 0) {
      const { v5, packetBytesMax } = this.#wire;
      const isPlain = this.#variant.identifiers === null;
      const isAppended = isPlain && run.appendTo(this.#log, v5, packetBytesMax);
      if (!isAppended) { for (const message of run.messages()) this.#encode(message); }
    }
    if (this.#log.end >= this.#checkAt) this.#checkLags();
  }

  /** Appends a message that is sent with QoS 0. */
  message(message: Message): void {
    this.#followAll();
    if (this.#followed > 0) this.#encode(message);
    if (this.#log.end >= this.#checkAt) this.#checkLags();
  }

  #encode(message: Message): void {
    const { v5, packetBytesMax } = this.#wire;
    sendToLog(this.#log, message, this.#variant, v5 ? 5 : 4, packetBytesMax);
  }

  #followAll(): void {
    if (this.#idle.length === 0) return;
    const idle = this.#idle;
    this.#idle = [];
    this.#follow(idle);
  }

  #follow(idle: readonly ByteSeat[]): void {
    for (const seat of idle) {
      // A member that is not connected takes a new seat when it reconnects.
      if (seat.isRemoved || !seat.follower.followBytes(this.#log, seat.ofBytes)) continue;
      this.#followed++;
    }
  }

  #checkLags(): void {
    this.#checkAt = this.#log.end + CHECK_BYTES;
    for (const { follower } of this.#seats) follower.checkLag();
  }
}
