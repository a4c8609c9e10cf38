/** What programs and operators see of a bridge. */
import type { BridgeCounters } from "./counters.ts";

/**
 * What a bridge does: it connects, is connected, waits before the next attempt, waits for messages
 * (`idle`, of a lazy bridge), or does no more (`stopped`, of one that starts once, or was removed).
 */
export type BridgeState = "connecting" | "connected" | "waiting" | "idle" | "stopped";

/** A bridge as of now. */
export interface BridgeStatus {
  /** The name of the bridge. */
  readonly name: string;
  /** What it does. */
  readonly state: BridgeState;
  /** Since when, as ISO 8601. */
  readonly since: string;
  /** The address of the other broker that is in use or was tried last, as a URL. */
  readonly address: string;
  /** Its client identifier at the other broker. */
  readonly remoteClientId: string;
  /** Its client identifier at this broker. */
  readonly localClientId: string;
  /** Why the last attempt or connection has failed; `null` if none has. */
  readonly lastError: string | null;
  /** Messages that wait for the other broker, those in flight included. */
  readonly backlog: number;
  /** Their bytes, without those in flight. */
  readonly backlogBytes: number;
  /** For how long there was always something that waits, in seconds; 0 if nothing waits. */
  readonly lagSeconds: number;
  /** What it has done since it was added. */
  readonly counters: BridgeCounters;
}
