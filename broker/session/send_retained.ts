/** Sends the retained messages of a session's new subscriptions, a step at a time. */
import type { BrokerContext } from "../base/context.ts";
import type { RetainedDeliveryQueue } from "../delivery/retained_delivery_queue.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import type { ClientLink } from "./client_link.ts";
import type { SessionQueue } from "./session_queue.ts";

/** A session with retained messages to send. */
export interface RetainedOwner extends Receiver {
  /** The retained messages; `null` for none. */
  feeds: RetainedDeliveryQueue | null;
  /** The connection of the client; `null` while it is away. */
  readonly link: ClientLink | null;
  readonly queue: SessionQueue;
}

/**
 * Sends some retained messages, once nothing else waits for the client.
 *
 * @returns False if there was nothing to do now.
 */
export function sendRetained(session: RetainedOwner, context: BrokerContext): boolean {
  const { feeds, queue } = session;
  if (feeds === null || !feeds.isReady || queue.messages > 0) return false;
  const before = feeds.length;
  feeds.step(session, context.turns, () => goOn(session, context));
  // A message that was found has woken the queue already.
  if (feeds.length < before) queue.markChanged();
  if (feeds.length === 0) session.feeds = null;
  return true;
}

/** It runs in a turn of its own. In a flush with others it would delay them. */
function goOn({ link }: RetainedOwner, context: BrokerContext): void {
  if (link === null) return;
  try {
    link.outbox.flush();
  } catch (error) {
    context.reportError(error);
    link.outbox.abort();
  }
}
