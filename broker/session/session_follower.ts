/** How a session reads logs that it shares with others. */
import type { ByteLog } from "../../log/byte_log.ts";
import type { MessageFollows, MessageLog } from "../delivery/backlog.ts";
import type { Follows } from "../delivery/outbox_trail.ts";
import type { BacklogRoom, Follower } from "../delivery/subscriber.ts";
import type { ClientLink } from "./client_link.ts";
import type { Overflow } from "./overflow.ts";
import type { SessionQueue } from "./session_queue.ts";

/** A session that follows. */
export interface FollowerOwner {
  /** Whether the session has ended. */
  readonly hasEnded: boolean;
  /** The connection, or `null` while the client is away. */
  readonly link: ClientLink | null;
  readonly queue: SessionQueue;
  /** Makes every audience check the session again when the client returns. */
  lookAgainLater(): void;
}

/** Logs of bytes are read by the outbox of the connection, logs of messages by the queue. */
export class SessionFollower implements Follower {
  readonly #owner: FollowerOwner;
  readonly #overflow: Overflow;

  constructor(owner: FollowerOwner, overflow: Overflow) {
    this.#owner = owner;
    this.#overflow = overflow;
  }

  followBytes(log: ByteLog, follows: Follows): boolean {
    const { link } = this.#owner;
    if (link === null || !link.outbox.isOpen) {
      // The group does not ask again.
      this.#owner.lookAgainLater();
      return false;
    }
    link.outbox.follow(log, follows);
    return true;
  }

  leaveBytes(follows: Follows): void {
    this.#owner.link?.outbox.leaveIf(follows);
  }

  checkLag(): void {
    this.#owner.link?.outbox.checkLag();
  }

  followMessages(log: MessageLog, follows: MessageFollows): boolean {
    const { hasEnded, link, queue } = this.#owner;
    if (hasEnded || this.#overflow.isEnding || this.#overflow.isFull(0)) return false;
    if (!queue.follow(log, follows)) return false;
    link?.outbox.wake();
    return true;
  }

  leaveMessages(follows: MessageFollows): void {
    this.#owner.queue.leave(follows);
  }

  checkBacklog(): BacklogRoom {
    const { hasEnded, link } = this.#owner;
    const none = { messages: Infinity, bytes: Infinity, isAway: link === null };
    return hasEnded ? none : this.#overflow.check() ?? none;
  }
}
