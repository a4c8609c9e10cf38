/** A log that a durable session reads, and from where. */
import type { Waiter } from "../../log/log.ts";
import type { Variant } from "../../router/variant.ts";
import type { MessageFollows } from "../delivery/backlog.ts";
import type { DurableCursor } from "./durable_cursor.ts";
import type { SharedStart } from "./shared_start.ts";

/**
 * The maximum number of logs that a session reads. All of them are checked for each message, and
 * stored with the session. Beyond it new messages go to the session's own log.
 */
export const READERS_MAX = 128;

/** A log that a session reads. */
export interface Reader {
  readonly cursor: DurableCursor;
  /** The flags of its messages; `null` for the session's own log, whose entries contain them. */
  readonly variant: Variant | null;
  /** The follower to notify when the log is left; `null` afterwards. */
  follows: MessageFollows | null;
  /** The position up to which QoS 1 messages may have been sent before a crash of the broker. */
  doubtEnd: number;
  /**
   * The shared start that stores the session's position, until the session's own row does; else
   * `null`.
   */
  start: SharedStart | null;
  /** The waiter that is parked at the log, and the append count at that time. */
  parked: Waiter | null;
  parkedAt: number;
}

/** A reader that starts at its cursor. */
export function readerOf(
  cursor: DurableCursor,
  variant: Variant | null,
  follows: MessageFollows | null,
): Reader {
  return { cursor, variant, follows, doubtEnd: 0, start: null, parked: null, parkedAt: -1 };
}
