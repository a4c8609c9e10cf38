/** Handles too many waiting messages of a session: by backpressure, then by the overflow policy. */
import { ReasonCode } from "../../codec/mod.ts";
import type { OverflowPolicy } from "../base/limits.ts";
import type { Message } from "../base/message.ts";
import { isNodeClientId } from "../base/node_peer.ts";
import { Backpressure, isHigh } from "../delivery/backpressure.ts";
import type { BacklogRoom } from "../delivery/subscriber.ts";
import type { SessionHost } from "./session_host.ts";
import { isFull, roomOf, type Waiting } from "./backlog_room.ts";
import type { SessionQueue } from "./session_queue.ts";

/** A session whose backlog is watched. */
export interface OverflowOwner {
  readonly clientId: string;
  readonly queue: SessionQueue;
  /** How much waits. To ask does not wake a session that sleeps. */
  readonly waiting: Waiting;
  /** The connection of the client; `null` while it is away. */
  readonly link: object | null;
}

/**
 * Handles many waiting messages of a session. Publishers wait while the client is connected and
 * takes messages. Past the limits of the backlog the overflow policy decides.
 */
export class Overflow {
  /** Whether the policy has ended the session, so that it takes no more messages. */
  isEnding = false;
  readonly #host: SessionHost;
  readonly #owner: OverflowOwner;
  #pressure: Backpressure | null = null;

  constructor(host: SessionHost, owner: OverflowOwner) {
    this.#host = host;
    this.#owner = owner;
  }

  /** Whether a message is queued. If not, it was dropped and counted as the policy says. */
  admits(message: Message): boolean {
    if (!this.isEnding && !this.#isFull(message.weight)) return true;
    return this.#apply(message);
  }

  /** A message was queued. */
  onQueued(): void {
    this.slowDown();
    const { overflow } = this.#host.context.settings;
    if (overflow === "drop-oldest" && this.#isFull(0)) this.#trim();
  }

  #isFull(bytes: number): boolean {
    return isFull(this.#owner.waiting, this.#host.context.limits, bytes);
  }

  /**
   * Checks a backlog that has grown by logs that the session follows. If that is past the limits, the
   * policy applies.
   *
   * @returns How much more fits; `null` if the session takes nothing more.
   */
  check(): BacklogRoom | null {
    if (this.#isOver && !this.#apply(null)) return null;
    const isAway = this.#owner.link === null;
    return roomOf(this.#owner.waiting, this.#host.context.limits, isAway) ??
      { messages: 0, bytes: 0, isAway };
  }

  /** Whether a full backlog is longer than it may be. */
  get #isOver(): boolean {
    const { messages, bytes } = this.#owner.waiting;
    const { backlogMessagesMax, backlogBytesMax } = this.#host.context.limits;
    if (messages > backlogMessagesMax || bytes > backlogBytesMax) return true;
    return messages === backlogMessagesMax && this.#policy === "drop-newest";
  }

  /** Makes publishers wait while much waits for a client that is connected and takes messages. */
  slowDown(): void {
    if (this.#owner.link === null) return;
    const { context, publisher } = this.#host;
    const { messages, bytes } = this.#owner.waiting;
    if (!isHigh(context.limits, bytes, messages)) return;
    this.#pressure ??= new Backpressure(context, publisher);
    this.#pressure.slowDown();
  }

  /** The client has taken something. */
  onProgress(): void {
    this.#pressure?.progress();
  }

  /** Lets publishers continue once little waits. */
  clearIfShort(): void {
    if (!this.#pressure?.isAwaited) return;
    const { messages, bytes } = this.#owner.queue;
    this.#pressure.clearIfLow(bytes, messages);
  }

  /** The client is away: lets publishers continue. */
  onDetached(): void {
    this.#pressure?.clear();
  }

  /**
   * Applies the overflow policy.
   *
   * @param message What does not fit; `null` for what the session follows.
   * @returns Whether the session still takes messages.
   */
  #apply(message: Message | null): boolean {
    const { context } = this.#host;
    const { clientId, queue } = this.#owner;
    const overflow = this.#policy;
    if (overflow === "end-session") {
      if (!this.isEnding) this.#host.endSessionLater(clientId, ReasonCode.QuotaExceeded);
      this.isEnding = true;
      if (message !== null) context.reportDrop("session-ended", message, clientId);
      return false;
    }
    if (overflow === "drop-oldest") {
      this.#trim();
      return true;
    }
    // The publisher was refused before, or the message is dropped here.
    if (message !== null) context.reportDrop("backlog", message, clientId);
    else queue.leave();
    return false;
  }

  /**
   * The session of a node carries the messages of both directions, so it never ends for a lack of
   * room: that would lose what has room, too.
   */
  get #policy(): OverflowPolicy {
    const { overflow } = this.#host.context.settings;
    const isKept = overflow === "end-session" && isNodeClientId(this.#owner.clientId);
    return isKept ? "drop-newest" : overflow;
  }

  #trim(): void {
    const { settings, limits, stats } = this.#host.context;
    if (settings.overflow !== "drop-oldest") return;
    const { backlogMessagesMax, backlogBytesMax } = limits;
    stats.dropped.backlog += this.#owner.queue.trim(backlogMessagesMax, backlogBytesMax);
  }
}
