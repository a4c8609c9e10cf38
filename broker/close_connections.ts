/** Ends the connections of a broker that closes, or those of one policy. */
import { ReasonCode } from "../codec/mod.ts";
import { Receipt } from "../log/receipt.ts";
import type { Clock } from "./base/clock.ts";
import type { ListenerPolicy } from "./base/listener_policy.ts";
import type { BrokerParts } from "./broker_parts.ts";
import type { Connection } from "./connection/connection.ts";

/** The cost of disconnecting a client, in units of the turn budget. */
const UNITS_PER_CLOSE = 16;

/**
 * Tells every client that the broker closes, sends what waits, and ends the connections.
 *
 * @param graceMs The time that clients have to receive waiting bytes, in milliseconds.
 */
export async function closeConnections(parts: BrokerParts, graceMs: number): Promise<void> {
  const { turns, clock } = parts.context;
  const connections = [...parts.connections];
  for (const connection of connections) {
    connection.disconnect(ReasonCode.ServerShuttingDown, undefined, "disconnect-last");
    if (turns.spend(UNITS_PER_CLOSE)) await turns.next();
  }
  await lastBytesLeft(connections, graceMs, clock);
  for (const connection of connections) connection.end.abort();
  await Promise.all(connections.map((connection) => connection.end.gone));
}

/** Disconnects every client of a policy, and refuses those that are still connecting. */
export function disconnectAll(
  { connections }: BrokerParts,
  policy: ListenerPolicy,
  reasonCode: number,
): void {
  policy.isClosed = true;
  for (const connection of [...connections]) {
    if (connection.listenerPolicy === policy) connection.disconnect(reasonCode);
  }
}

/** Waits until the last bytes have left, or the time is over. */
async function lastBytesLeft(
  connections: readonly Connection[],
  graceMs: number,
  clock: Clock,
): Promise<void> {
  const over = new Receipt();
  const cancel = clock.schedule(clock.now() + graceMs, () => over.close());
  const left = Promise.all(connections.map((connection) => connection.end.sentAll.wait()));
  await Promise.race([left, over.wait()]);
  cancel();
}
