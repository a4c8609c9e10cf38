/** A message of a group that no member receives any more, and the reason. */
import type { PendingMessage } from "../../stream/stream_group.ts";
import type { StreamCursor } from "../../stream/stream_cursor.ts";
import type { StreamLog } from "../../stream/stream_log.ts";
import type { DropReason } from "../base/stats.ts";

/** The reason why no member receives a message any more. */
export type UndeliverableReason =
  | DropReason
  /** A member has answered with a reason code of 0x80 or more [MQTT-4.8.2-6]. */
  | "refused"
  /** It was delivered too often without an acknowledgement. */
  | "max-deliver";

/** A message of a group that no member receives any more. */
export interface UndeliverableMessage {
  readonly pending: PendingMessage;
  readonly reason: UndeliverableReason;
  /** The client identifier of the last member that had it; `null` for none. */
  readonly clientId: string | null;
  readonly group: string;
}

/** Handles messages that no member receives any more. */
export interface DeadLetterKeeper {
  /**
   * Handles the message at a cursor.
   *
   * @returns False if it must wait.
   */
  keep(log: StreamLog, cursor: StreamCursor, dead: UndeliverableMessage): boolean;
  /** The maximum number of deliveries of a message to members. */
  deliveriesMax(log: StreamLog): number;
}
