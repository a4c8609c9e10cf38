import { ToleratedFaults } from "./tolerated_faults.ts";
import { type BrokerLimits, checkLimits } from "./limits.ts";
import type { ListenerRules } from "./listener_options.ts";
import { MountPoint } from "./mount_point.ts";
import type { Settings } from "./options.ts";
import type { BrokerCounters } from "./stats.ts";

/** The limits of the broker that a listener may have of its own: they are settled with CONNECT. */
const LIMITS = [
  "packetBytesMax",
  "keepAliveSecondsMax",
  "sessionExpirySecondsMax",
  "receiveMaximum",
  "inflightMax",
  "topicAliasMax",
] as const;

/** The rules of a listener with every default filled in, so that nothing is looked up later. */
export interface ListenerTerms extends Required<Omit<ListenerRules, "lenient" | "mountPoint">> {
  /** What is overlooked of its clients, or `null` for nothing. */
  readonly leniency: ToleratedFaults | null;
  /** Where the topics of its clients lie, or `null` for where they say. */
  readonly mount: MountPoint | null;
  /** Bytes of a frame that need not be looked at on its own: it can be part of a run. */
  readonly runBytesMax: number;
}

/**
 * The rules of one listener, in effect: made by `Broker.listenerPolicy`, and given to
 * `listen…()` or `accept()`. Listeners that share one share its limits.
 */
export class ListenerPolicy {
  /** Connections as of now. */
  connections = 0;
  /**
   * Whether nobody may come in any more, until it is updated.
   *
   * @internal
   */
  isClosed = false;
  readonly #settings: Settings;
  readonly #stats: BrokerCounters;
  #rules: ListenerRules;
  /** The limits of the broker that the terms were made of. */
  #takenLimits: Pick<BrokerLimits, typeof LIMITS[number]>;
  #terms: ListenerTerms;

  /**
   * Use `Broker.listenerPolicy`.
   *
   * @internal
   */
  constructor(settings: Settings, stats: BrokerCounters, rules: ListenerRules = {}) {
    this.#settings = settings;
    this.#stats = stats;
    this.#rules = { ...rules };
    this.#terms = termsOf(settings, stats, rules);
    this.#takenLimits = pick(settings.limits, LIMITS);
  }

  /** What the listener is called. */
  get name(): string {
    return this.#terms.name;
  }

  /**
   * What holds for a client that connects now: limits of the broker that have changed since the
   * last one connected are taken over.
   *
   * @internal
   */
  get effective(): ListenerTerms {
    const { limits } = this.#settings;
    const taken = this.#takenLimits;
    if (LIMITS.some((name) => limits[name] !== taken[name])) this.#take(this.#rules);
    return this.#terms;
  }

  /**
   * Whether there is room for another connection.
   *
   * @internal
   */
  get hasRoom(): boolean {
    return !this.isClosed && this.connections < this.#terms.connectionsMax;
  }

  /**
   * Replaces the rules, all of them. Clients that are connected keep what was
   * settled with them.
   *
   * @throws {RangeError} If a value is out of range; nothing has changed then.
   */
  update(rules: ListenerRules): void {
    this.#take({ ...rules });
    this.isClosed = false;
  }

  #take(rules: ListenerRules): void {
    this.#terms = termsOf(this.#settings, this.#stats, rules);
    this.#rules = rules;
    this.#takenLimits = pick(this.#settings.limits, LIMITS);
  }
}

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} If a value is out of range.
 */
function termsOf(settings: Settings, stats: BrokerCounters, own: ListenerRules): ListenerTerms {
  const rules: ListenerRules = { ...settings.rules, ...own };
  const limits = checkLimits({ ...settings.limits, ...pick(rules, LIMITS) });
  const protocolVersions = rules.protocolVersions ?? [3, 4, 5];
  if (protocolVersions.length === 0) {
    throw new RangeError("Cannot use protocolVersions: no version is left");
  }
  const payloadBytesMax = amount("payloadBytesMax", rules.payloadBytesMax);
  const { refuseControlCharacters = false } = rules;
  const mount = rules.mountPoint ? new MountPoint(rules.mountPoint) : null;
  return {
    ...pick(limits, LIMITS),
    name: rules.name ?? "",
    leniency: rules.lenient ? new ToleratedFaults(stats) : null,
    authenticator: rules.authenticator ?? settings.authenticator,
    authorizer: rules.authorizer === undefined ? settings.authorizer : rules.authorizer,
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
    // A payload is never larger than its frame. Where topics are looked at, there are no runs.
    runBytesMax: mount === null && !refuseControlCharacters
      ? Math.min(limits.packetBytesMax, payloadBytesMax)
      : 0,
    protocolVersions,
    maximumQoS: rules.maximumQoS ?? settings.maximumQoS,
    // What the broker does not keep, no listener can promise.
    retainAvailable: settings.retainAvailable && (rules.retainAvailable ?? true),
    wildcardSubscriptionAvailable: rules.wildcardSubscriptionAvailable ??
      settings.wildcardSubscriptionAvailable,
    sharedSubscriptionAvailable: rules.sharedSubscriptionAvailable ??
      settings.sharedSubscriptionAvailable,
    subscriptionIdentifiersAvailable: rules.subscriptionIdentifiersAvailable ??
      settings.subscriptionIdentifiersAvailable,
  };
}

/** A limit of which there is none by default. */
function amount(name: string, value = Infinity): number {
  if (value >= 0) return value;
  throw new RangeError(`Cannot use ${name}: ${value} is not a number of 0 or more`);
}

/** Some of the fields of an object, those that it has. */
function pick<T, K extends keyof T>(from: T, names: readonly K[]): Pick<T, K> {
  const picked: Partial<T> = {};
  for (const name of names) if (from[name] !== undefined) picked[name] = from[name];
  return picked as Pick<T, K>;
}
