/** How a session reads logs that it shares with others. */
import type { ByteLog } from "../../log/byte_log.ts";
import type { MessageFollows, MessageLog } from "../delivery/backlog.ts";
import type { Follows } from "../delivery/outbox_trail.ts";
import type { BacklogRoom, Follower } from "../delivery/subscriber.ts";
import { isFull, roomOf } from "./backlog_room.ts";
import type { ClientLink } from "./client_link.ts";
import type { SessionHost } from "./session_host.ts";
import { Overflow, type OverflowOwner } from "./overflow.ts";
import { WakingQueue } from "./waking_queue.ts";

/**
 * A session as far as the logs are concerned that it follows. Logs of bytes are read by the outbox of
 * the connection, logs of messages by the queue. To begin to follow makes no object here, because ten
 * thousand sessions may do so at once.
 */
export abstract class FollowingSession extends WakingQueue implements Follower, OverflowOwner {
  abstract readonly clientId: string;
  /** Whether the session has ended. */
  abstract readonly hasEnded: boolean;
  /** The connection, or `null` while the client is away. */
  abstract readonly link: ClientLink | null;
  protected readonly host: SessionHost;
  /** Whether audiences have to check it again when its client returns. */
  protected isStale = false;
  /** Made for the first message that waits for this session alone, or that has no room. */
  #overflow: Overflow | null = null;

  constructor(host: SessionHost) {
    super();
    this.host = host;
  }

  /** The part of it that reads shared logs. */
  get follower(): Follower {
    return this;
  }

  /** Whether one more message of so many bytes would go past the limits of the backlog. */
  isFull(bytes: number): boolean {
    return isFull(this.waiting, this.host.context.limits, bytes);
  }

  followBytes(log: ByteLog, follows: Follows): boolean {
    const { link } = this;
    if (link === null || !link.outbox.isOpen) {
      // The group does not ask again.
      this.isStale = true;
      return false;
    }
    link.outbox.follow(log, follows);
    return true;
  }

  leaveBytes(follows: Follows): void {
    this.link?.outbox.leaveIf(follows);
  }

  checkLag(): void {
    this.link?.outbox.checkLag();
  }

  followMessages(log: MessageLog, follows: MessageFollows): BacklogRoom | null {
    const { link } = this;
    const isOver = this.hasEnded || this.#overflow?.isEnding === true;
    const room = isOver ? null : this.#room;
    if (room === null || !this.follow(log, follows)) return null;
    if (link === null) return room;
    this.overflow.slowDown();
    link.outbox.wake();
    return room;
  }

  leaveMessages(follows: MessageFollows): void {
    this.queue.leave(follows);
  }

  checkBacklog(): BacklogRoom {
    const isAway = this.link === null;
    const room = this.hasEnded ? null : this.#room ?? this.overflow.check();
    if (room !== null && !isAway) this.overflow.slowDown();
    return room ?? { messages: Infinity, bytes: Infinity, isAway };
  }

  /** How much more fits; `null` if the backlog is full. */
  get #room(): BacklogRoom | null {
    return roomOf(this.waiting, this.host.context.limits, this.link === null);
  }

  /** What bounds its backlog. */
  protected get overflow(): Overflow {
    return this.#overflow ??= new Overflow(this.host, this);
  }

  /** The same; `null` if it was never needed. */
  protected get knownOverflow(): Overflow | null {
    return this.#overflow;
  }
}
