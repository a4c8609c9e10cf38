/**
 * Topics that clients may not publish to: the broker publishes its state in `$SYS`, and
 * administrators of other brokers send commands to `$CONTROL`.
 *
 * @module
 */
import { isReservedTopic } from "../../router/topic.ts";

/** Bridges report below this topic whether they are connected, like those of mosquitto. */
const STATE_PREFIX = "$SYS/broker/connection/";
const STATE_SUFFIX = "/state";

/** The client of a publication or a will. */
export interface Publisher {
  /** The client identifier. */
  readonly clientId: string;
  /** Whether it has connected as a bridge of 3.x. */
  readonly isBridge: boolean;
}

/**
 * Whether a client may not publish to a topic, independent of the authorizer. Each client may
 * report whether it is connected in `$SYS/broker/connection/{its client identifier}/state`. A
 * bridge of 3.x may use any name without a slash, because the name of its connection may differ
 * from its client identifier.
 */
export function isOffLimits(topic: string, { clientId, isBridge }: Publisher): boolean {
  if (!isReservedTopic(topic)) return false;
  const name = bridgeName(topic);
  return name === null || (name !== clientId && !(isBridge && !name.includes("/")));
}

/** Whether a broker tells its own state in a topic: not that of a bridge, which may be a client. */
export function isOwnState(topic: string): boolean {
  return topic.startsWith("$SYS/") && bridgeName(topic) === null;
}

/** The name in a bridge's state topic; `null` for other topics. */
export function bridgeName(topic: string): string | null {
  if (!topic.startsWith(STATE_PREFIX) || !topic.endsWith(STATE_SUFFIX)) return null;
  const end = topic.length - STATE_SUFFIX.length;
  return end > STATE_PREFIX.length ? topic.slice(STATE_PREFIX.length, end) : null;
}
