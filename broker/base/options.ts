/** The options of a broker, and their defaults. */
import { allowAll, type Authenticator } from "../../auth/authenticator.ts";
import type { Authorizer } from "../../auth/authorizer.ts";
import type { QoS } from "../../codec/mod.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Deliver } from "./deliver.ts";
import { type HeapSource, systemHeap } from "./heap_monitor.ts";
import type { BrokerHooks } from "./hooks.ts";
import { checkLimits } from "./check_limits.ts";
import type { BrokerLimits, OverflowPolicy } from "./limits.ts";
import type { ListenerRules } from "./listener_options.ts";
import type { Transform } from "./transform.ts";

/** Settings of a broker; each has a default. */
export interface BrokerOptions {
  /** Limits of the resources and work that peers can cause. */
  limits?: Partial<BrokerLimits>;
  /** The policy for a session whose backlog is full; `"end-session"` by default. */
  overflow?: OverflowPolicy;
  /**
   * The policy for a client that publishes faster than its limits: reading pauses, which is the
   * default, or it is disconnected with 0x96.
   */
  publishRateExceeded?: "slow-down" | "disconnect";
  /** The authenticator; everyone may connect by default. */
  authenticator?: Authenticator;
  /** The authorizer; everything is allowed by default. */
  authorizer?: Authorizer | null;
  /** Callbacks for events. */
  hooks?: BrokerHooks;
  /**
   * Decides about each message of a client before it is routed: changes, redirects, refuses or
   * swallows it. None by default. It costs speed, because messages are then handled one by one.
   */
  transform?: Transform | null;
  /** The time after which a pending `transform` refuses the message, in milliseconds; 10,000 by default. */
  transformTimeoutMs?: number;
  /**
   * Decides about each message for a client when it is sent: changes it, or keeps it from this
   * client. None by default. It costs speed, because messages are then encoded for each client.
   */
  deliver?: Deliver | null;
  /** The maximum QoS of publications (Maximum QoS); 2 by default. */
  maximumQoS?: QoS;
  /** Whether retained messages are supported; true by default. */
  retainAvailable?: boolean;
  /**
   * How many seconds retained messages without a Message Expiry Interval stay, 0 for ever. The
   * first filter that matches the topic decides. None by default, so they stay. At most 100.
   */
  retainExpiry?: readonly { readonly filter: string; readonly seconds: number }[];
  /**
   * Whether what is published to `$delayed/SECONDS/TOPIC` is published to `TOPIC` so many seconds
   * later; false by default. What waits in the store is published in any case.
   */
  delayed?: boolean;
  /** Whether wildcard subscriptions are supported; true by default. */
  wildcardSubscriptionAvailable?: boolean;
  /** Whether shared subscriptions are supported; true by default. */
  sharedSubscriptionAvailable?: boolean;
  /** Whether Subscription Identifiers are supported; true by default. */
  subscriptionIdentifiersAvailable?: boolean;
  /** The rules of listeners without rules of their own. */
  rules?: ListenerRules;
  /** Sent as Response Information to clients that request it; none by default. */
  responseInformation?: string | null;
  /** Sent as Server Reference with 0x9C and 0x9D; none by default. */
  serverReference?: string | null;
  /** The clock; the machine's by default. */
  clock?: Clock;
  /** The wall clock, in milliseconds since 1970; the machine's by default. */
  wallClock?: () => number;
  /**
   * The source of the heap's state, the second line of defence against memory shortage; V8 by
   * default, `null` for none.
   */
  heap?: HeapSource | null;
  /** Random numbers from 0 to below 1, for identifiers and hashes; cryptographic by default. */
  random?: () => number;
}

/** Options with all defaults filled in. */
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
    transform: null,
    transformTimeoutMs: 10_000,
    deliver: null,
    maximumQoS: 2,
    retainAvailable: true,
    retainExpiry: [],
    delayed: false,
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
