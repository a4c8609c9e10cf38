/** How much more fits into the backlog of a session. */
import type { BrokerLimits } from "../base/limits.ts";
import type { BacklogRoom } from "../delivery/subscriber.ts";
import type { SessionQueue } from "./session_queue.ts";

/** What waits in a backlog. */
export type Waiting = Pick<SessionQueue, "messages" | "bytes">;

/** What bounds a backlog. */
type BacklogLimits = Pick<BrokerLimits, "backlogMessagesMax" | "backlogBytesMax">;

/** Whether one more message of so many bytes would go past the limits. */
export function isFull(waiting: Waiting, limits: BacklogLimits, bytes: number): boolean {
  const { backlogMessagesMax, backlogBytesMax } = limits;
  return waiting.messages >= backlogMessagesMax || waiting.bytes + bytes > backlogBytesMax;
}

/** How much more fits; `null` if the backlog is full. */
export function roomOf(
  waiting: Waiting,
  limits: BacklogLimits,
  isAway: boolean,
): BacklogRoom | null {
  const messages = limits.backlogMessagesMax - waiting.messages;
  const bytes = limits.backlogBytesMax - waiting.bytes;
  return messages <= 0 || bytes < 0 ? null : { messages, bytes, isAway };
}
