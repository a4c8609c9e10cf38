/**
 * Topics that are not for clients to publish to: `$SYS` is where the broker tells its state,
 * `$CONTROL` is where administrators of other brokers send commands.
 *
 * @module
 */
import { isReservedTopic } from "../../router/topic.ts";

/** Below this a bridge tells whether it is connected, as mosquitto's do. */
const STATE_PREFIX = "$SYS/broker/connection/";
const STATE_SUFFIX = "/state";

/** Who publishes, or has a will. */
export interface Publisher {
  /** The client identifier. */
  readonly clientId: string;
  /** Whether it has connected as a bridge of 3.x. */
  readonly isBridge: boolean;
}

/**
 * Whether a client is kept from a topic, whatever an authorizer says. Each may tell whether it is
 * connected in `$SYS/broker/connection/{its client identifier}/state`, a bridge of 3.x in that of
 * any name without a slash, for its connection may be called otherwise than its client.
 */
export function isOffLimits(topic: string, { clientId, isBridge }: Publisher): boolean {
  if (!isReservedTopic(topic)) return false;
  const name = bridgeName(topic);
  return name === null || (name !== clientId && !(isBridge && !name.includes("/")));
}

/** The name in the topic of a bridge's state; `null` if it is another topic. */
export function bridgeName(topic: string): string | null {
  if (!topic.startsWith(STATE_PREFIX) || !topic.endsWith(STATE_SUFFIX)) return null;
  const end = topic.length - STATE_SUFFIX.length;
  return end > STATE_PREFIX.length ? topic.slice(STATE_PREFIX.length, end) : null;
}
