import { Broker } from "../../mod.ts";
import { PAYLOAD_BYTES_MIN, type Target, type Traffic } from "./target.ts";
import type { ProtocolVersion, QoS } from "../../codec/mod.ts";

/** Runs a test with its own broker, in this process. */
export async function withTarget(
  protocol: ProtocolVersion,
  fn: (target: Target) => Promise<void>,
): Promise<void> {
  await using broker = new Broker();
  const { hostname, port } = await broker.listen({ port: 0 });
  await fn({ hostname, port, username: null, password: null, protocol });
}

/** Small messages. */
export function traffic(qos: QoS): Traffic {
  return { qos, size: PAYLOAD_BYTES_MIN, window: 10 };
}

/** No faults. */
export const CLEAN = { missed: 0, duplicates: 0, outOfOrder: 0, foreign: 0, refused: 0 };
