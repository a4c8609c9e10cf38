/** The tables of all options: global, security and listener. */
import { DEFAULT_LIMITS, type OverflowPolicy } from "../../broker/base/limits.ts";
import {
  boolean,
  duration,
  fileMode,
  integer,
  type Kind,
  listOf,
  oneOf,
  orWord,
  text,
  textWhere,
} from "./kinds.ts";
import { retainExpiry } from "./retain_expiry.ts";
import { logDest, logType } from "./log_options.ts";
import { isAddressBlock } from "./address_block.ts";
import { many, once, type Option, option, optional, type Values } from "./option.ts";

/**
 * The maximum size of a packet, in bytes: a Remaining Length of four bytes and the fixed header.
 */
const PACKET_BYTES_MAX = 268_435_460;
const PAYLOAD_BYTES_MAX = 268_435_455;

const url = textWhere(
  "a URL, such as https://example.org/mqtt",
  (value) => /^https?:$/.test(URL.parse(value)?.protocol ?? ""),
);
const file = text("the path of a file");
const folder = text("the path of a folder");
const overflow: Kind<OverflowPolicy> = oneOf(
  "end-session",
  "refuse-publisher",
  "drop-oldest",
  "drop-newest",
);

/** The most workers: far more than any machine has cores for. */
export const WORKERS_MAX = 64;

const workers: Kind<number | "auto"> = orWord(integer(1, WORKERS_MAX), "auto");

/** Options of the whole broker, anywhere in the file. */
export const GLOBAL_OPTIONS = {
  per_listener_settings: option(boolean, false),
  connection_messages: option(boolean, true),
  log_dest: logDest,
  log_timestamp: option(boolean, true),
  log_timestamp_format: once(text("a format as of strftime, such as %Y-%m-%dT%H:%M:%S")),
  log_type: logType,
  log_facility: optional(integer(0, 7)),
  fairway_log_format: option(oneOf("text", "json"), "text"),
  fairway_presence: option(boolean, false),
  fairway_delayed: option(boolean, false),
  pid_file: once(file),
  user: once(text("the name of a user")),
  sys_interval: option(integer(0, 65_535), 10),
  persistence: option(boolean, false),
  persistence_location: once(folder),
  persistent_client_expiration: optional(duration),
  queue_qos0_messages: option(boolean, false),
  upgrade_outgoing_qos: option(boolean, false),
  retain_available: option(boolean, true),
  fairway_retain_expiry: many(retainExpiry),
  set_tcp_nodelay: option(boolean, true),
  max_inflight_messages: optional(integer(0, 65_535)),
  max_queued_messages: optional(integer(0)),
  max_queued_bytes: optional(integer(0)),
  max_packet_size: optional(integer(20, PACKET_BYTES_MAX)),
  message_size_limit: option(
    integer(0, PAYLOAD_BYTES_MAX),
    0,
    "max_packet_size, which is told to clients, is the better one",
  ),
  clientid_prefixes: once(
    text("what client identifiers start with"),
    "it is outdated; an acl_file says more exactly what a client may do",
  ),
  memory_limit: option(integer(0), 0),
  max_keepalive: option(integer(10, 65_535), 65_535),
  global_max_connections: option(integer(-1), -1),
  global_max_clients: option(integer(-1), -1),
  fairway_data_dir: once(folder),
  fairway_strict_store: option(boolean, false),
  fairway_overflow: option(overflow, "drop-newest"),
  fairway_native_sockets: option(boolean, false),
  fairway_native_backlog: optional(integer(1, 65_535)),
  fairway_native_reuse_port: option(boolean, false),
  fairway_native_user_timeout_ms: optional(integer(0, 86_400_000)),
  fairway_workers: option(workers, 1),
};

/** Security options, of the whole broker, or of each listener with `per_listener_settings true`. */
export const SECURITY_OPTIONS = {
  allow_anonymous: optional(boolean),
  password_file: once(file),
  acl_file: once(file),
  allow_zero_length_clientid: option(boolean, true),
  auto_id_prefix: once(text("what made-up client identifiers start with")),
  fairway_scram_file: once(file),
  fairway_dynamic_security_file: once(file),
  fairway_jwt_secret_file: once(file),
  fairway_jwt_key_file: once(file),
  fairway_jwt_jwks_file: once(file),
  fairway_jwt_jwks_url: once(url),
  fairway_jwt_issuer: many(text("who makes the tokens")),
  fairway_jwt_audience: many(text("for whom the tokens are")),
  fairway_jwt_username_claim: once(text("the name of a claim")),
  fairway_jwt_acl_claim: once(text("the name of a claim")),
  fairway_jwt_token_in: option(oneOf("password", "username"), "password"),
  fairway_http_auth_url: once(url),
  fairway_http_acl_url: once(url),
  fairway_http_timeout_ms: option(integer(1, 600_000), 5000),
  fairway_http_fail_open: option(boolean, false),
};

const addressBlock = textWhere(
  "an address or a block of addresses, such as 10.0.0.0/8",
  isAddressBlock,
);
const versions = listOf(
  oneOf("3", "4", "5"),
  "3 for MQTT 3.1, 4 for 3.1.1, 5 for 5.0, such as 4,5",
);

/** Options of a listener: of the last `listener` line, or of the default one before any. */
export const LISTENER_OPTIONS = {
  protocol: option(oneOf("mqtt", "websockets", "http_api"), "mqtt"),
  http_dir: once(folder),
  fairway_admin_tokens: once(file),
  fairway_admin_allow_anonymous: option(boolean, false),
  fairway_admin_host: many(
    text("a name under which the listener is reached, such as mqtt.example.org"),
  ),
  bind_interface: once(text("the name of a network interface, such as eth0")),
  socket_domain: optional(oneOf("ipv4", "ipv6")),
  max_connections: option(integer(-1), -1),
  max_qos: option(integer(0, 2), 2),
  max_topic_alias: option(integer(0, 65_535), 10),
  mount_point: once(textWhere(
    "a topic without + and #, such as site1/",
    (value) => !/[+#]/.test(value),
  )),
  accept_protocol_versions: optional(versions),
  listener_allow_anonymous: optional(boolean),
  listener_auto_id_prefix: once(text("what made-up client identifiers start with")),
  use_identity_as_username: option(boolean, false),
  use_subject_as_username: option(boolean, false),
  use_username_as_clientid: option(boolean, false),
  cafile: once(file),
  capath: once(folder),
  certfile: once(file),
  keyfile: once(file),
  require_certificate: option(boolean, false),
  crlfile: once(file),
  tls_version: once(oneOf("tlsv1.2", "tlsv1.3")),
  websockets_origin: many(text("an origin, such as https://example.org")),
  fairway_forwarded_for_from: many(addressBlock),
  fairway_lenient: option(boolean, false),
  fairway_proxy_from: many(addressBlock),
  fairway_proxy_others: option(oneOf("refuse", "direct"), "refuse"),
  fairway_refuse_control_characters: option(boolean, false),
  fairway_socket_mode: optional(fileMode),
  fairway_websockets_path: once(textWhere("a path from / on", (value) => value.startsWith("/"))),
};

/** Values of {@linkcode GLOBAL_OPTIONS}. */
export type GlobalValues = Values<typeof GLOBAL_OPTIONS>;
/** Values of {@linkcode SECURITY_OPTIONS}. */
export type SecurityValues = Values<typeof SECURITY_OPTIONS>;
/** Values of {@linkcode LISTENER_OPTIONS}. */
export type ListenerValues = Values<typeof LISTENER_OPTIONS>;

/**
 * The limits of the broker, each under its name in snake case: `fairway_limit_connect_timeout_ms`
 * is `connectTimeoutMs`.
 */
export const LIMIT_OPTIONS: Readonly<Record<string, Option<number>>> = Object.fromEntries(
  Object.entries(DEFAULT_LIMITS).map(([name, value]) => [
    limitWord(name),
    option(integer(0), value),
  ]),
);

/** The option for a limit of the broker. */
export function limitWord(name: string): string {
  return `fairway_limit_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}
