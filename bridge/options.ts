/** The options of a bridge, and their defaults. */
import type { QoS } from "../codec/mod.ts";
import { topicNameFault } from "../router/topic.ts";

/** The direction of a topic: from this broker to the other one, the other way, or both ways. */
export type BridgeDirection = "out" | "in" | "both";

/** Topics that a bridge shares with the other broker. */
export interface BridgeTopic {
  /** A topic filter behind the prefixes; empty to map one topic, `localPrefix`, to `remotePrefix`. */
  readonly pattern: string;
  /** Which way messages go; `out` by default. */
  readonly direction?: BridgeDirection;
  /** The maximum QoS; 0 by default. */
  readonly qos?: QoS;
  /**
   * What stands before the pattern on this broker; empty by default. In both prefixes, `${1}` stands
   * for the level that matched the first `+` of the pattern, and so on.
   */
  readonly localPrefix?: string;
  /** What stands before the pattern on the other broker; empty by default. */
  readonly remotePrefix?: string;
  /** Where it was configured, such as `file:line`, for warnings; empty by default. */
  readonly place?: string;
}

/** TLS towards the other broker. */
export interface BridgeTls {
  /**
   * Certificates of authorities to trust, in PEM, beside those of the runtime; in their place if the
   * bridge has a proxy, a `bindAddress`, `tcpKeepAliveSeconds`, `alpn` or `minVersion`.
   */
  readonly caCerts?: readonly string[];
  /** The certificate of the bridge and its chain, in PEM. */
  readonly cert?: string;
  /** The private key of that certificate, in PEM. */
  readonly key?: string;
  /** Whether the host name in the certificate may differ; false by default. */
  readonly insecure?: boolean;
  /** The ALPN protocol to offer; none by default. */
  readonly alpn?: string;
  /** The oldest version of TLS; 1.2 by default. An older other broker is not connected to. */
  readonly minVersion?: "1.2" | "1.3";
}

/** How long a bridge waits before it connects again. */
export interface BridgeRestart {
  /** The shortest wait, in seconds; 5 by default. */
  readonly baseSeconds?: number;
  /** The longest wait, in seconds; 30 by default. The same as the shortest for a constant wait. */
  readonly capSeconds?: number;
  /** How long a connection must last so that the wait begins with the shortest again; 0 by default. */
  readonly stableSeconds?: number;
}

/** Options of a bridge. Only the name, the addresses and the topics have no default. */
export interface BridgeOptions {
  /** The name, unique in the broker. */
  readonly name: string;
  /**
   * The addresses of the other broker: `host`, `host:port`, or a URL of the scheme `mqtt`, `mqtts`,
   * `ws` or `wss`. At least one; the others are tried when it cannot be reached.
   */
  readonly addresses: readonly string[];
  /** The shared topics. At most 1,000. */
  readonly topics: readonly BridgeTopic[];
  /** The protocol version towards the other broker: 3 for 3.1, 4 for 3.1.1 (the default), 5 for 5.0. */
  readonly protocolVersion?: 3 | 4 | 5;
  /** Whether the session at the other broker ends with the connection; false by default. */
  readonly cleanSession?: boolean;
  /** Whether the session at this broker ends with the connection; as `cleanSession` by default. */
  readonly localCleanSession?: boolean;
  /**
   * `automatic` (the default) connects and reconnects; `once` connects and does not reconnect after
   * a lost connection; `lazy` connects when `threshold` messages wait.
   */
  readonly startType?: "automatic" | "lazy" | "once";
  /** How many messages must wait until a lazy bridge connects; 10 by default. */
  readonly threshold?: number;
  /** After how many seconds without a message a lazy bridge disconnects; 60 by default. */
  readonly idleTimeoutSeconds?: number;
  /** How long to wait before the next attempt; from 5 to 30 seconds by default. */
  readonly restart?: BridgeRestart;
  /** Whether all addresses are equal; false by default: the first one is preferred. */
  readonly roundRobin?: boolean;
  /** Keep Alive, in seconds; 60 by default. */
  readonly keepAliveSeconds?: number;
  /** Whether the state of the connection is published; true by default. */
  readonly notifications?: boolean;
  /** Whether it is published on this broker only; false by default. */
  readonly notificationsLocalOnly?: boolean;
  /** Its topic; `$SYS/broker/connection/{remoteClientId}/state` by default. */
  readonly notificationTopic?: string;
  /** Whether a bridge of 3.x says that it is one (protocol level + 0x80); true by default. */
  readonly tryPrivate?: boolean;
  /** Whether topics that only go out are unsubscribed at the other broker; true by default. */
  readonly attemptUnsubscribe?: boolean;
  /** The largest packet that is sent, in bytes; 0 (the default) for no limit of its own. */
  readonly packetBytesMax?: number;
  /** Whether RETAIN is kept on what goes out; true by default. */
  readonly outgoingRetain?: boolean;
  /** Topic Alias Maximum of the bridge, in 5.0; 10 by default. */
  readonly topicAliasMax?: number;
  /** Messages in flight each way; 20 by default. */
  readonly receiveMaximum?: number;
  /**
   * Session Expiry Interval at the other broker, in seconds, in 5.0. By default 0 with `cleanSession`,
   * and otherwise 0xFFFFFFFF: for ever.
   */
  readonly sessionExpirySeconds?: number;
  /** The address to connect from; any by default. */
  readonly bindAddress?: string;
  /** Seconds of silence after which TCP probes begin (`SO_KEEPALIVE`); none by default. */
  readonly tcpKeepAliveSeconds?: number;
  /**
   * For how long, in milliseconds, what was sent may be without any answer until the connection is
   * given up; 0 (the default) for no limit of its own. It is measured in packets of MQTT: after half
   * of the time, the bridge sends PINGREQ.
   */
  readonly answerTimeoutMs?: number;
  /** When changed options apply: at the next connection (`lazy`, the default) or at once. */
  readonly reloadType?: "lazy" | "immediate";
  /** The client identifier at the other broker; `{host name}.{name}` by default. */
  readonly remoteClientId?: string;
  /** The user name at the other broker; none by default. */
  readonly remoteUsername?: string;
  /** The password at the other broker; none by default. */
  readonly remotePassword?: string;
  /** The client identifier at this broker; `local.{remoteClientId}` by default. */
  readonly localClientId?: string;
  /** The user name that this broker's state shows for the bridge; none by default. */
  readonly localUsername?: string;
  /** TLS towards the other broker; with an address without a scheme, it turns TLS on. */
  readonly tls?: BridgeTls;
  /** The URL of an HTTP proxy, such as `http://proxy:3128`; none by default. */
  readonly proxy?: string;
  /** The most messages that are sent to the other broker in a second; 0 (the default) for no limit. */
  readonly messagesPerSecondMax?: number;
}

/** Options of a bridge with all defaults filled in. */
export interface BridgeSettings extends
  Required<
    Omit<
      BridgeOptions,
      | "restart"
      | "notificationTopic"
      | "bindAddress"
      | "tcpKeepAliveSeconds"
      | "remoteUsername"
      | "remotePassword"
      | "localUsername"
      | "tls"
      | "proxy"
    >
  > {
  /** How long to wait before the next attempt. */
  readonly restart: Required<BridgeRestart>;
  /** The topic of the state. */
  readonly notificationTopic: string;
  /** The address to connect from, or `null`. */
  readonly bindAddress: string | null;
  /** Seconds of silence before TCP probes, or `null`. */
  readonly tcpKeepAliveSeconds: number | null;
  /** The user name at the other broker, or `null`. */
  readonly remoteUsername: string | null;
  /** The password at the other broker, or `null`. */
  readonly remotePassword: string | null;
  /** The user name that this broker shows, or `null`. */
  readonly localUsername: string | null;
  /** TLS, or `null`. */
  readonly tls: BridgeTls | null;
  /** The URL of a proxy, or `null`. */
  readonly proxy: string | null;
}

/** A Session Expiry Interval that does not expire, in seconds. */
export const NEVER_EXPIRES = 0xffff_ffff;

/** Topics of one bridge. A message is compared with each. */
export const TOPICS_MAX = 1000;

/** The ranges of the numbers among the options. */
const RANGES = {
  threshold: [1, 1_000_000],
  idleTimeoutSeconds: [1, 86_400 * 365],
  keepAliveSeconds: [5, 65_535],
  packetBytesMax: [0, 268_435_460],
  topicAliasMax: [0, 65_535],
  receiveMaximum: [1, 65_535],
  sessionExpirySeconds: [0, NEVER_EXPIRES],
  messagesPerSecondMax: [0, 10_000_000],
  answerTimeoutMs: [0, 86_400_000],
} as const;

/**
 * Fills in the defaults.
 *
 * @param hostname The host name, for the client identifier. It is only called if it is needed.
 * @throws {RangeError} If an option is out of range.
 */
export function bridgeSettings(options: BridgeOptions, hostname: () => string): BridgeSettings {
  const { name, cleanSession = false, restart = {} } = options;
  const { baseSeconds = 5, capSeconds = 30, stableSeconds = 0 } = restart;
  const remoteClientId = options.remoteClientId ?? `${hostname()}.${name}`;
  const settings: BridgeSettings = {
    name,
    addresses: options.addresses,
    topics: options.topics,
    protocolVersion: options.protocolVersion ?? 4,
    cleanSession,
    localCleanSession: options.localCleanSession ?? cleanSession,
    startType: options.startType ?? "automatic",
    threshold: options.threshold ?? 10,
    idleTimeoutSeconds: options.idleTimeoutSeconds ?? 60,
    restart: { baseSeconds, capSeconds, stableSeconds },
    roundRobin: options.roundRobin ?? false,
    keepAliveSeconds: options.keepAliveSeconds ?? 60,
    notifications: options.notifications ?? true,
    notificationsLocalOnly: options.notificationsLocalOnly ?? false,
    notificationTopic: options.notificationTopic ??
      `$SYS/broker/connection/${remoteClientId}/state`,
    tryPrivate: options.tryPrivate ?? true,
    attemptUnsubscribe: options.attemptUnsubscribe ?? true,
    packetBytesMax: options.packetBytesMax ?? 0,
    outgoingRetain: options.outgoingRetain ?? true,
    topicAliasMax: options.topicAliasMax ?? 10,
    receiveMaximum: options.receiveMaximum ?? 20,
    sessionExpirySeconds: options.sessionExpirySeconds ?? (cleanSession ? 0 : NEVER_EXPIRES),
    bindAddress: options.bindAddress ?? null,
    tcpKeepAliveSeconds: options.tcpKeepAliveSeconds ?? null,
    answerTimeoutMs: options.answerTimeoutMs ?? 0,
    reloadType: options.reloadType ?? "lazy",
    remoteClientId,
    remoteUsername: options.remoteUsername ?? null,
    remotePassword: options.remotePassword ?? null,
    localClientId: options.localClientId ?? `local.${remoteClientId}`,
    localUsername: options.localUsername ?? null,
    tls: options.tls ?? null,
    proxy: options.proxy ?? null,
    messagesPerSecondMax: options.messagesPerSecondMax ?? 0,
  };
  check(settings);
  return settings;
}

function check(settings: BridgeSettings): void {
  const { name, addresses, topics, restart, notificationTopic } = settings;
  if (name === "") throw new RangeError("Cannot add a bridge: it has no name");
  const fault = (text: string) => new RangeError(`Cannot use the bridge "${name}": ${text}`);
  for (const [what, topic] of [["name", name], ["topic of its state", notificationTopic]]) {
    const wrong = topicNameFault(topic!);
    if (wrong !== null) throw fault(`its ${what}, as a topic, ${wrong}`);
  }
  if (addresses.length === 0) throw fault("it has no address");
  if (topics.length > TOPICS_MAX) throw fault(`it has more than ${TOPICS_MAX} topics`);
  for (const [option, [min, max]] of Object.entries(RANGES)) {
    const value = settings[option as keyof typeof RANGES];
    if (Number.isInteger(value) && value >= min && value <= max) continue;
    throw fault(`${option} is ${value}, not a whole number from ${min} to ${max}`);
  }
  const { baseSeconds, capSeconds, stableSeconds } = restart;
  if (!(baseSeconds > 0 && capSeconds >= baseSeconds && stableSeconds >= 0)) {
    throw fault(`restart waits from ${baseSeconds} to ${capSeconds} seconds`);
  }
  if (settings.remotePassword !== null && settings.remoteUsername === null) {
    throw fault("a remotePassword needs a remoteUsername");
  }
}
