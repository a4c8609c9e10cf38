/** The bridges of a configuration while its lines are read. */
import { parseAddress } from "../../bridge/addresses.ts";
import type { BridgeOptions, BridgeTls, BridgeTopic } from "../../bridge/options.ts";
import { endpointText } from "../../client/endpoint.ts";
import { parseBridgeTopic } from "../options/bridge_topic.ts";
import { BRIDGE_OPTIONS, type BridgeValues } from "../options/bridge_words.ts";
import type { BridgeConfiguration } from "../options/configuration.ts";
import { hasTlsWords } from "./check_bridges.ts";
import type { Line } from "./lexer.ts";
import { firstWord, type Report, Section } from "./section.ts";

/** The bridges of a configuration while its lines are read. */
export class BridgeDrafts {
  readonly #report: Report;
  readonly #drafts: BridgeDraft[] = [];
  /** The bridge that options belong to; `null` in front of the first one of a file. */
  #current: BridgeDraft | null = null;

  constructor(report: Report) {
    this.#report = report;
  }

  /** Begins another file. Returns what ends it. */
  file(): () => void {
    const current = this.#current;
    this.#current = null;
    return () => void (this.#current = current);
  }

  /** Reads `connection NAME`. */
  begin(line: Line): void {
    const name = line.value === "" ? "" : firstWord(line, this.#report);
    if (name === "") this.#report.problem(line, "expects the name of a bridge, not nothing");
    const known = this.#drafts.find((draft) => draft.name === name);
    if (known !== undefined && name !== "") {
      const { file, line: number } = known.line.place;
      this.#report.problem(line, `"${name}" was given already at ${file}:${number}`);
    }
    // The options after a line with a fault still belong to it.
    this.#current = new BridgeDraft(name, line, this.#report);
    this.#drafts.push(this.#current);
  }

  /** Reads an option of a bridge. */
  take(line: Line, word: string): void {
    if (this.#current !== null) return this.#current.take(line, word);
    this.#report.problem(line, "needs a bridge: put a line such as connection plant before it");
  }

  /** The bridges that were given. */
  finish(): readonly BridgeConfiguration[] {
    return this.#drafts.map((draft) => draft.finish());
  }
}

/** A bridge while its options are read. */
class BridgeDraft {
  readonly #settings: Section<typeof BRIDGE_OPTIONS>;
  readonly #report: Report;
  readonly #topics: BridgeTopic[] = [];

  constructor(readonly name: string, readonly line: Line, report: Report) {
    this.#report = report;
    this.#settings = new Section(BRIDGE_OPTIONS, report);
  }

  take(line: Line, word: string): void {
    if (word !== "topic") return this.#settings.take(line, word);
    const topic = parseBridgeTopic(line.value);
    if (typeof topic === "string") return this.#report.problem(line, topic);
    const { place: { file, line: number } } = line;
    this.#topics.push({ ...topic, place: `${file}:${number}: topic ${line.value}` });
    this.#settings.take(line, word);
  }

  finish(): BridgeConfiguration {
    const settings = { ...this.#settings.values(), topic: this.#topics };
    const { line: { place }, name } = this;
    return { name, place, places: this.#settings.places, settings };
  }
}

const VERSIONS = { mqttv31: 3, mqttv311: 4, mqttv50: 5 } as const;

/**
 * A bridge of a configuration as the program makes it.
 *
 * @param tls The contents of its files; `null` without TLS.
 * @param inflightMax `max_inflight_messages`, if it was given.
 */
export function bridgeOptionsOf(
  { name, settings }: BridgeConfiguration,
  tls: BridgeTls | null,
  inflightMax: number | null,
): BridgeOptions {
  const { base, cap, stable } = settings.restart_timeout;
  const receiveMaximum = settings.bridge_receive_maximum ?? (inflightMax || null);
  return {
    name,
    addresses: tls === null || hasTlsWords(settings)
      ? settings.address
      : settings.address.map(plainAddress),
    topics: settings.topic,
    protocolVersion: VERSIONS[settings.bridge_protocol_version],
    cleanSession: settings.cleansession,
    startType: settings.start_type,
    threshold: settings.threshold,
    idleTimeoutSeconds: settings.idle_timeout,
    restart: { baseSeconds: base, capSeconds: cap, stableSeconds: stable },
    roundRobin: settings.round_robin,
    keepAliveSeconds: settings.keepalive_interval,
    notifications: settings.notifications,
    notificationsLocalOnly: settings.notifications_local_only,
    tryPrivate: settings.try_private,
    attemptUnsubscribe: settings.bridge_attempt_unsubscribe,
    packetBytesMax: settings.bridge_max_packet_size,
    outgoingRetain: settings.bridge_outgoing_retain,
    topicAliasMax: settings.bridge_max_topic_alias,
    reloadType: settings.bridge_reload_type,
    messagesPerSecondMax: settings.fairway_bridge_messages_per_second,
    ...given(settings),
    ...(receiveMaximum === null ? {} : { receiveMaximum }),
    ...(tls === null ? {} : { tls }),
  };
}

/** An address without a scheme that has no TLS, although others of the bridge have. */
function plainAddress(address: string): string {
  return address.includes("://") ? address : endpointText(parseAddress(address, false));
}

/** Options that have no value unless they are given. */
function given(settings: BridgeValues): Partial<BridgeOptions> {
  const options = {
    localCleanSession: settings.local_cleansession,
    notificationTopic: settings.notification_topic,
    remoteClientId: settings.remote_clientid,
    remoteUsername: settings.remote_username,
    remotePassword: settings.remote_password,
    localClientId: settings.local_clientid,
    localUsername: settings.local_username,
    bindAddress: settings.bridge_bind_address,
    sessionExpirySeconds: settings.bridge_session_expiry_interval,
    tcpKeepAliveSeconds: settings.bridge_tcp_keepalive?.[0] ?? null,
    answerTimeoutMs: settings.bridge_tcp_user_timeout,
    proxy: settings.fairway_bridge_proxy,
  };
  const entries = Object.entries(options).filter(([, value]) => value !== null);
  return Object.fromEntries(entries) as Partial<BridgeOptions>;
}
