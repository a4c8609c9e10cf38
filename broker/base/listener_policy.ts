/** The rules of a listener with all defaults filled in, and its connections. */
import { ToleratedFaults } from "./tolerated_faults.ts";
import { checkLimits } from "./check_limits.ts";
import type { BrokerLimits } from "./limits.ts";
import type { ListenerRules } from "./listener_options.ts";
import { MountPoint } from "./mount_point.ts";
import type { NodePeer } from "./node_peer.ts";
import type { Settings } from "./options.ts";
import type { BrokerCounters } from "./stats.ts";

/** The limits that a listener may override. They are fixed for a client at CONNECT. */
const LIMITS = [
  "packetBytesMax",
  "keepAliveSecondsMax",
  "sessionExpirySecondsMax",
  "receiveMaximum",
  "inflightMax",
  "topicAliasMax",
] as const;

/** The rules of a listener with all defaults filled in, so that no default is looked up later. */
export interface EffectivePolicy extends Required<Omit<ListenerRules, "lenient" | "mountPoint">> {
  /** The tolerated faults of its clients, or `null` for none. */
  readonly leniency: ToleratedFaults | null;
  /** The mount point of its clients, or `null` for none. */
  readonly mount: MountPoint | null;
  /** The other node that connects by this policy; `null` for clients. */
  readonly peer: NodePeer | null;
  /**
   * The size up to which a frame needs no check of its own and can be part of a batch, in bytes.
   */
  readonly runBytesMax: number;
}

/**
 * The rules of one listener, in effect: created by `Broker.listenerPolicy`, and passed to
 * `listen()` or `accept()`. Listeners that share a policy share its limits. The count of
 * connections is set by the limiter's lease and the end of connections, `isClosed` by `close_connections.ts`.
 */
export class ListenerPolicy {
  /** The current number of connections. */
  connections = 0;
  /**
   * Whether no client is accepted any more, until the policy is updated.
   *
   * @internal
   */
  isClosed = false;
  readonly #settings: Settings;
  readonly #stats: BrokerCounters;
  #rules: ListenerRules;
  /** The limits of the broker that the effective rules were made from. */
  #takenLimits: Pick<BrokerLimits, typeof LIMITS[number]>;
  #effective: EffectivePolicy;
  readonly #peer: NodePeer | null;

  /**
   * Use `Broker.listenerPolicy`.
   *
   * @param peer The other node that connects by it; `null`, the default, for clients.
   * @internal
   */
  constructor(
    settings: Settings,
    stats: BrokerCounters,
    rules: ListenerRules = {},
    peer: NodePeer | null = null,
  ) {
    this.#settings = settings;
    this.#stats = stats;
    this.#rules = { ...rules };
    this.#peer = peer;
    this.#effective = effectiveOf(settings, stats, rules, peer);
    this.#takenLimits = pick(settings.limits, LIMITS);
  }

  /** The name of the listener. */
  get name(): string {
    return this.#effective.name;
  }

  /**
   * The rules for a client that connects now, with the current limits of the broker.
   *
   * @internal
   */
  get effective(): EffectivePolicy {
    const { limits } = this.#settings;
    const taken = this.#takenLimits;
    if (LIMITS.some((name) => limits[name] !== taken[name])) this.#take(this.#rules);
    return this.#effective;
  }

  /**
   * Whether one more connection is allowed.
   *
   * @internal
   */
  get hasRoom(): boolean {
    return !this.isClosed && this.connections < this.#effective.connectionsMax;
  }

  /**
   * Replaces all rules. Connected clients keep what was fixed at CONNECT.
   *
   * @throws {RangeError} If a value is out of range. Then nothing has changed.
   */
  update(rules: ListenerRules): void {
    this.#take({ ...rules });
    this.isClosed = false;
  }

  #take(rules: ListenerRules): void {
    this.#effective = effectiveOf(this.#settings, this.#stats, rules, this.#peer);
    this.#rules = rules;
    this.#takenLimits = pick(this.#settings.limits, LIMITS);
  }
}

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} If a value is out of range.
 */
function effectiveOf(
  settings: Settings,
  stats: BrokerCounters,
  own: ListenerRules,
  peer: NodePeer | null,
): EffectivePolicy {
  const rules: ListenerRules = { ...settings.rules, ...own };
  const limits = checkLimits({ ...settings.limits, ...pick(rules, LIMITS) });
  const protocolVersions = rules.protocolVersions ?? [3, 4, 5];
  if (protocolVersions.length === 0) {
    throw new RangeError("Cannot use protocolVersions: no version is left");
  }
  const payloadBytesMax = amount("payloadBytesMax", rules.payloadBytesMax);
  const { refuseControlCharacters = false } = rules;
  const mount = rules.mountPoint ? new MountPoint(rules.mountPoint, settings.delayed) : null;
  return {
    ...pick(limits, LIMITS),
    name: rules.name ?? "",
    leniency: rules.lenient ? new ToleratedFaults(stats) : null,
    authenticator: rules.authenticator ?? settings.authenticator,
    authorizer: rules.authorizer === undefined ? settings.authorizer : rules.authorizer,
    control: rules.control ?? null,
    allowAnonymous: rules.allowAnonymous ?? true,
    identityAsUsername: rules.identityAsUsername ?? false,
    subjectAsUsername: rules.subjectAsUsername ?? false,
    usernameAsClientId: rules.usernameAsClientId ?? false,
    allowZeroLengthClientId: rules.allowZeroLengthClientId ?? true,
    autoIdPrefix: rules.autoIdPrefix ?? "",
    clientIdPrefixes: rules.clientIdPrefixes ?? null,
    connectionsMax: amount("connectionsMax", rules.connectionsMax),
    payloadBytesMax,
    queueQoS0: rules.queueQoS0 ?? false,
    upgradeOutgoingQoS: rules.upgradeOutgoingQoS ?? false,
    refuseControlCharacters,
    mount,
    peer,
    // A payload is never larger than its frame. If topics must be checked, there are no batches.
    runBytesMax: mount === null && !refuseControlCharacters
      ? Math.min(limits.packetBytesMax, payloadBytesMax)
      : 0,
    protocolVersions,
    maximumQoS: rules.maximumQoS ?? settings.maximumQoS,
    // A listener cannot offer what the broker does not support.
    retainAvailable: settings.retainAvailable && (rules.retainAvailable ?? true),
    wildcardSubscriptionAvailable: rules.wildcardSubscriptionAvailable ??
      settings.wildcardSubscriptionAvailable,
    sharedSubscriptionAvailable: rules.sharedSubscriptionAvailable ??
      settings.sharedSubscriptionAvailable,
    subscriptionIdentifiersAvailable: rules.subscriptionIdentifiersAvailable ??
      settings.subscriptionIdentifiersAvailable,
  };
}

/** A limit without a default. */
function amount(name: string, value = Infinity): number {
  if (value >= 0) return value;
  throw new RangeError(`Cannot use ${name}: ${value} is not a number of 0 or more`);
}

/** Copies some of the fields of an object, if present. */
function pick<T, K extends keyof T>(from: T, names: readonly K[]): Pick<T, K> {
  const picked: Partial<T> = {};
  for (const name of names) if (from[name] !== undefined) picked[name] = from[name];
  return picked as Pick<T, K>;
}
