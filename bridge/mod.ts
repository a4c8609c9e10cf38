/**
 * Bridges: share topics with other brokers, both ways.
 *
 * {@linkcode Bridges} holds the bridges of a broker. A bridge is a client of both brokers; what waits
 * for the other broker waits in a session of this one, which survives a restart if the broker has a
 * store.
 *
 * @module
 */
export { Bridges } from "./bridges.ts";
export type { BridgeCounters, BridgeDropReason } from "./counters.ts";
export type {
  BridgeHost,
  BridgeInspection,
  BridgeSurroundings,
  LocalSession,
  RetainedCopy,
} from "./host.ts";
export type {
  BridgeDirection,
  BridgeOptions,
  BridgeRestart,
  BridgeSettings,
  BridgeTls,
  BridgeTopic,
} from "./options.ts";
export type { BridgeState, BridgeStatus } from "./status.ts";
export type { SessionOfAny, SessionsHost } from "./removed_bridges.ts";
