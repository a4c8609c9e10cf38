/** How a session reads logs that it shares with others. */
import type { ByteLog } from "../../log/byte_log.ts";
import type { MessageFollows, MessageLog } from "../delivery/backlog.ts";
import type { Follows } from "../delivery/outbox_trail.ts";
import type { BacklogRoom, Follower } from "../delivery/subscriber.ts";
import type { ClientLink } from "./client_link.ts";
import type { SessionHost } from "./session_host.ts";
import { Overflow, type OverflowOwner } from "./overflow.ts";

/** A session that follows. */
export interface FollowerOwner extends OverflowOwner {
  /** Whether the session has ended. */
  readonly hasEnded: boolean;
  /** The connection, or `null` while the client is away. */
  readonly link: ClientLink | null;
  /** Follows a log of messages from its end on. Returns false if it cannot follow one more. */
  follow(log: MessageLog, follows: MessageFollows): boolean;
  /** Makes every audience check the session again when the client returns. */
  lookAgainLater(): void;
}

/**
 * Logs of bytes are read by the outbox of the connection, logs of messages by the queue. It is also
 * what bounds the backlog: one object for both, because ten thousand sessions may begin to follow at
 * once.
 */
export class SessionFollower extends Overflow implements Follower {
  declare protected readonly owner: FollowerOwner;

  /** @param owner The session. */
  constructor(host: SessionHost, owner: FollowerOwner) {
    super(host, owner);
  }

  followBytes(log: ByteLog, follows: Follows): boolean {
    const { link } = this.owner;
    if (link === null || !link.outbox.isOpen) {
      // The group does not ask again.
      this.owner.lookAgainLater();
      return false;
    }
    link.outbox.follow(log, follows);
    return true;
  }

  leaveBytes(follows: Follows): void {
    this.owner.link?.outbox.leaveIf(follows);
  }

  checkLag(): void {
    this.owner.link?.outbox.checkLag();
  }

  followMessages(log: MessageLog, follows: MessageFollows): BacklogRoom | null {
    const { hasEnded, link } = this.owner;
    const room = hasEnded || this.isEnding ? null : this.room();
    if (room === null || !this.owner.follow(log, follows)) return null;
    if (link === null) return room;
    this.slowDown();
    link.outbox.wake();
    return room;
  }

  leaveMessages(follows: MessageFollows): void {
    this.owner.queue.leave(follows);
  }

  checkBacklog(): BacklogRoom {
    const { hasEnded, link } = this.owner;
    const room = hasEnded ? null : this.check();
    return room ?? { messages: Infinity, bytes: Infinity, isAway: link === null };
  }
}
