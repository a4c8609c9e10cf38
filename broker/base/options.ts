import { allowAll, type Authenticator } from "../../auth/authenticator.ts";
import type { Authorizer } from "../../auth/authorizer.ts";
import type { QoS } from "../../codec/mod.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type HeapSource, systemHeap } from "./heap_monitor.ts";
import type { BrokerHooks } from "./hooks.ts";
import { type BrokerLimits, checkLimits, type OverflowPolicy } from "./limits.ts";
import type { ListenerRules } from "./listener_options.ts";

/** Settings of a broker; each has a default. */
export interface BrokerOptions {
  /** What peers may make the broker hold or do. */
  limits?: Partial<BrokerLimits>;
  /** What happens when a session's backlog is full; `"end-session"` by default. */
  overflow?: OverflowPolicy;
  /**
   * What happens to a client that publishes faster than its limits: it is read no faster, which is
   * the default, or it is disconnected with 0x96.
   */
  publishRateExceeded?: "slow-down" | "disconnect";
  /** Who may come in; everyone by default. */
  authenticator?: Authenticator;
  /** What clients may do; everything by default. */
  authorizer?: Authorizer | null;
  /** What the program is told. */
  hooks?: BrokerHooks;
  /** The highest QoS that is accepted from publishers (Maximum QoS); 2 by default. */
  maximumQoS?: QoS;
  /** Whether retained messages are supported; true by default. */
  retainAvailable?: boolean;
  /** Whether wildcard subscriptions are; true by default. */
  wildcardSubscriptionAvailable?: boolean;
  /** Whether shared subscriptions are; true by default. */
  sharedSubscriptionAvailable?: boolean;
  /** Whether subscription identifiers are; true by default. */
  subscriptionIdentifiersAvailable?: boolean;
  /** What holds for every listener that does not say otherwise. */
  rules?: ListenerRules;
  /** Sent as Response Information to clients that ask for it; none by default. */
  responseInformation?: string | null;
  /** Sent as Server Reference with 0x9C and 0x9D; none by default. */
  serverReference?: string | null;
  /** Time; the machine's by default. */
  clock?: Clock;
  /** The time of the wall clock, in milliseconds since 1970; the machine's by default. */
  wallClock?: () => number;
  /**
   * How full the heap is, the second line of defence for the memory; by default V8 is asked, and
   * `null` asks nobody.
   */
  heap?: HeapSource | null;
  /** Randomness for identifiers and hashes, 0 to below 1; cryptographic by default. */
  random?: () => number;
}

/** Options with every default filled in. */
export type Settings = Required<Omit<BrokerOptions, "limits">> & { readonly limits: BrokerLimits };

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} If a value is out of range.
 */
export function settingsOf(options: BrokerOptions): Settings {
  return {
    overflow: "end-session",
    publishRateExceeded: "slow-down",
    authenticator: allowAll,
    authorizer: null,
    hooks: {},
    maximumQoS: 2,
    retainAvailable: true,
    wildcardSubscriptionAvailable: true,
    sharedSubscriptionAvailable: true,
    subscriptionIdentifiersAvailable: true,
    rules: {},
    responseInformation: null,
    serverReference: null,
    clock: systemClock,
    wallClock: Date.now,
    random: cryptoRandom,
    ...options,
    heap: options.heap === undefined ? systemHeap() : options.heap,
    limits: checkLimits(options.limits ?? {}),
  };
}

function cryptoRandom(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32;
}
