/** A message of a group that no member gets any more, and why. */
import type { PendingMessage } from "../../stream/stream_group.ts";
import type { StreamCursor } from "../../stream/stream_cursor.ts";
import type { StreamLog } from "../../stream/stream_log.ts";
import type { DropReason } from "../base/stats.ts";

/** Why a message of a group goes to nobody any more. */
export type DeathReason =
  | DropReason
  /** A member has answered with a reason code of 0x80 or more [MQTT-4.8.2-6]. */
  | "refused"
  /** Its members have gone without an acknowledgement, too often. */
  | "max-deliver";

/** A message of a group that is to go to nobody any more. */
export interface DeadMessage {
  readonly pending: PendingMessage;
  readonly reason: DeathReason;
  /** Who had it last; `null` for nobody. */
  readonly clientId: string | null;
  readonly group: string;
}

/** What becomes of messages that go to nobody any more. */
export interface Undertaker {
  /**
   * Takes a message that a cursor has found.
   *
   * @returns False if that has to wait.
   */
  bury(log: StreamLog, cursor: StreamCursor, dead: DeadMessage): boolean;
  /** How often a message of a stream is given to members at most. */
  deliveriesMax(log: StreamLog): number;
}
