/** The options of a bridge, in mosquitto's language. */
import { parseAddress } from "../../bridge/addresses.ts";
import type { BridgeTopic } from "../../bridge/options.ts";
import { parseBridgeTopic, printBridgeTopic, TOPIC_EXPECTS } from "./bridge_topic.ts";
import { boolean, integer, type Kind, oneOf, text, textWhere } from "./kinds.ts";
import { once, type Option, option, optional, type Values } from "./option.ts";

/** The waits of `restart_timeout`, in seconds. */
export interface RestartValue {
  readonly base: number;
  readonly cap: number;
  readonly stable: number;
}

/** The numbers of `bridge_tcp_keepalive`: seconds, seconds, and a count. */
type KeepAliveValue = readonly [idle: number, interval: number, counter: number];

const RESTART_BASE_MAX = 3600;
const RESTART_CAP_MAX = 7200;

const restart: Kind<RestartValue> = {
  expects:
    `a number of seconds from 1 to ${RESTART_BASE_MAX}, or the shortest and the longest wait, ` +
    `up to ${RESTART_CAP_MAX}, and maybe how long a connection must last`,
  isOneWord: false,
  parse: (value) => {
    const numbers = value.split(/\s+/).map((word) => /^\d{1,6}$/.test(word) ? Number(word) : NaN);
    const [base = NaN, cap = base, stable = 0] = numbers;
    const isValid = numbers.length <= 3 && base >= 1 && base <= RESTART_BASE_MAX && cap >= base &&
      cap <= RESTART_CAP_MAX && stable >= 0;
    return isValid ? { base, cap, stable } : undefined;
  },
  print: ({ base, cap, stable }) => [base, cap, stable].join(" "),
};

const keepAlive: Kind<KeepAliveValue> = {
  expects: "three numbers of 1 or more: seconds of silence, seconds between probes, probes",
  isOneWord: false,
  parse: (value) => {
    const numbers = value.split(/\s+/).map((word) => /^\d{1,6}$/.test(word) ? Number(word) : 0);
    if (numbers.length !== 3 || numbers.some((number) => number < 1)) return undefined;
    return numbers as unknown as KeepAliveValue;
  },
  print: (numbers) => numbers.join(" "),
};

const addresses: Option<readonly string[]> = {
  expects: "host, host:port or a URL such as wss://example.org/mqtt, or several of them",
  isOneWord: false,
  initial: [],
  isOnce: false,
  note: null,
  parse: (value, before = []) => {
    const all = value.split(/\s+/);
    const comment = all.findIndex((word) => word.startsWith("#"));
    const words = comment < 0 ? all : all.slice(0, comment);
    return words.length > 0 && words.every(isAddress) ? [...before, ...words] : undefined;
  },
  print: (values) => values.length === 0 ? [] : [values.join(" ")],
};

const topics: Option<readonly BridgeTopic[]> = {
  expects: TOPIC_EXPECTS,
  isOneWord: false,
  initial: [],
  isOnce: false,
  note: null,
  parse: (value, before = []) => {
    const topic = parseBridgeTopic(value);
    return typeof topic === "string" ? undefined : [...before, topic];
  },
  print: (values) => values.map(printBridgeTopic),
};

const proxy = textWhere(
  "the URL of an HTTP proxy, such as http://proxy:3128",
  (value) => URL.parse(value)?.protocol === "http:",
);
const clientId = text("a client identifier");
const username = text("a user name");
const password = text("a password");
const file = text("the path of a file");

const TCP_KEEPALIVE = "the probes begin after these seconds of silence, but Deno cannot set how " +
  "often and how many: use keepalive_interval or bridge_tcp_user_timeout to find a lost " +
  "connection sooner";

/** Options of a bridge: of the last `connection` line. */
export const BRIDGE_OPTIONS = {
  address: addresses,
  topic: topics,
  bridge_protocol_version: option(oneOf("mqttv311", "mqttv31", "mqttv50"), "mqttv311"),
  cleansession: option(boolean, false),
  local_cleansession: optional(boolean),
  start_type: option(oneOf("automatic", "lazy", "once"), "automatic"),
  threshold: option(integer(1, 1_000_000), 10),
  idle_timeout: option(integer(1, 31_536_000), 60),
  restart_timeout: option(restart, { base: 5, cap: 30, stable: 0 }),
  round_robin: option(boolean, false),
  keepalive_interval: option(integer(5, 65_535), 60),
  notifications: option(boolean, true),
  notifications_local_only: option(boolean, false),
  notification_topic: once(text("a topic")),
  try_private: option(boolean, true),
  remote_clientid: once(clientId),
  remote_username: once(username),
  remote_password: once(password),
  local_clientid: once(clientId),
  local_username: once(username),
  local_password: once(
    password,
    "it has no effect: a bridge may do everything at its own broker, as in mosquitto",
  ),
  bridge_attempt_unsubscribe: option(boolean, true),
  bridge_bind_address: once(text("an address of this machine")),
  bridge_max_packet_size: option(integer(0, 268_435_460), 0),
  bridge_max_topic_alias: option(integer(0, 65_535), 10),
  bridge_outgoing_retain: option(boolean, true),
  bridge_receive_maximum: optional(integer(1, 65_535)),
  bridge_reload_type: option(oneOf("lazy", "immediate"), "lazy"),
  bridge_session_expiry_interval: optional(integer(0, 0xffff_ffff)),
  bridge_tcp_keepalive: optional(keepAlive, TCP_KEEPALIVE),
  bridge_tcp_user_timeout: optional(integer(0, 86_400_000)),
  bridge_alpn: once(text("the name of a protocol, such as mqtt")),
  bridge_cafile: once(file),
  bridge_capath: once(text("the path of a folder")),
  bridge_certfile: once(file),
  bridge_keyfile: once(file),
  bridge_insecure: option(boolean, false),
  bridge_require_ocsp: option(boolean, false),
  bridge_tls_use_os_certs: option(boolean, false),
  bridge_tls_version: once(oneOf("tlsv1.2", "tlsv1.3")),
  fairway_bridge_proxy: once(proxy),
  fairway_bridge_messages_per_second: option(integer(0, 10_000_000), 0),
};

/** Values of {@linkcode BRIDGE_OPTIONS}. */
export type BridgeValues = Values<typeof BRIDGE_OPTIONS>;

function isAddress(word: string): boolean {
  try {
    parseAddress(word, false);
    return true;
  } catch {
    return false;
  }
}
