/** Options that need an explanation: other names, and those that are not supported. */
import { BRIDGE_OPTIONS } from "./bridge_words.ts";
import { GLOBAL_OPTIONS, LIMIT_OPTIONS, LISTENER_OPTIONS, SECURITY_OPTIONS } from "./options.ts";
import { STREAM_OPTIONS } from "./stream_words.ts";

const PLUGIN = "Fairway loads no plugins of mosquitto but has the work of its dynamic security " +
  "(mosquitto_dynamic_security.so): use password_file and acl_file, fairway_http_auth_url and " +
  "fairway_http_acl_url, or fairway_jwt_key_file";
const PSK = "Fairway has no pre-shared keys: use certfile and keyfile, or a password_file";
const BRIDGE_PSK = "Fairway has no pre-shared keys: use bridge_cafile, and remote_password or " +
  "bridge_certfile and bridge_keyfile";
const ENGINE = "Fairway has no OpenSSL engines: use keyfile with a key in PEM";

/**
 * Options of mosquitto that Fairway does not have, and what to do instead. A name that ends in `_`
 * is a prefix.
 */
export const BARRED_WORDS: Readonly<Record<string, string>> = {
  ...sameFor(PLUGIN, [
    "auth_opt_",
    "auth_plugin",
    "auth_plugin_deny_special_chars",
    "enable_control_api",
    "global_plugin",
    "plugin",
    "plugin_load",
    "plugin_opt_",
    "plugin_use",
  ]),
  ...sameFor(PSK, ["psk_file", "psk_hint"]),
  ...sameFor(BRIDGE_PSK, ["bridge_identity", "bridge_psk"]),
  ...sameFor(ENGINE, ["tls_engine", "tls_engine_kpass_sha1", "tls_keyform"]),
  ...sameFor("ciphers cannot be chosen: leave it out, all ciphers in use are secure", [
    "ciphers",
    "ciphers_tls1.3",
    "bridge_ciphers",
    "bridge_ciphers_tls1.3",
  ]),
  "dhparamfile": "parameters for Diffie-Hellman cannot be given: leave it out, " +
    "they are chosen to fit the key",
  "disable_client_cert_date_checks": "Fairway always checks the dates of certificates: leave it " +
    "out, and renew the certificates of your clients",
  "enable_proxy_protocol": "name the trusted proxies: fairway_proxy_from ADDRESS",
  "max_inflight_bytes": "messages in flight are limited by number: use max_inflight_messages",
  "packet_buffer_size": "buffers grow and shrink by themselves: leave it out",
  "packet_max_": "use max_packet_size, and fairway_limit_connect_bytes_max for CONNECT",
  "proxy_protocol_v2_require_tls": "Fairway does not ask what the proxy has seen of TLS",
};

/** Options of mosquitto that have no effect, and why. */
export const IDLE_WORDS: Readonly<Record<string, string>> = {
  "retain_expiry_interval": "it has no effect: a retained message is removed as soon as its " +
    "Message Expiry Interval is over",
  "allow_duplicate_messages": "it has no effect: a client gets one message for each of its " +
    "subscriptions that match",
  "autosave_interval": "it has no effect: a message is on disk before it is acknowledged",
  "autosave_on_changes": "it has no effect: a message is on disk before it is acknowledged",
  "check_retain_source": "it has no effect: permissions are checked when a message is published",
  "max_topic_alias_broker": "it has no effect: max_topic_alias holds for both directions",
  "persistence_file": "it has no effect: only persistence_location can be chosen",
  "retry_interval": "it has no effect: messages are sent again only when a client reconnects",
  "store_clean_interval": "it has no effect: unused messages are removed at once",
  "websockets_headers_size": "it has no effect: the headers of a WebSocket may have 16 KiB",
  "websockets_log_level": "it has no effect: use log_type websockets",
};

/** Options that the parser handles itself, because they are more than a value. */
const STRUCTURE_WORDS = [
  ...["listener", "port", "bind_address", "include_dir"],
  ...["fairway_stream", "fairway_stream_remove", "connection"],
] as const;

/** Other names of options. */
export const ALIASES: Readonly<Record<string, string>> = {
  "addresses": "address",
  "clientid": "remote_clientid",
  "maximum_qos": "max_qos",
  "password": "remote_password",
  "retained_persistence": "persistence",
  "username": "remote_username",
};

/** All options that can be used. */
export function knownWords(): string[] {
  return [
    ...STRUCTURE_WORDS,
    ...Object.keys(GLOBAL_OPTIONS),
    ...Object.keys(SECURITY_OPTIONS),
    ...Object.keys(LISTENER_OPTIONS),
    ...Object.keys(STREAM_OPTIONS),
    ...Object.keys(BRIDGE_OPTIONS),
    ...Object.keys(LIMIT_OPTIONS),
    ...Object.keys(ALIASES),
  ];
}

/** What to do about an option that Fairway does not have; `null` if it is not one of those. */
export function barredBecause(word: string): string | null {
  if (Object.hasOwn(BARRED_WORDS, word)) return BARRED_WORDS[word]!;
  const prefix = Object.keys(BARRED_WORDS).find((known) =>
    known.endsWith("_") && word.startsWith(known) && word !== known
  );
  return prefix === undefined ? null : BARRED_WORDS[prefix]!;
}

function sameFor(advice: string, words: readonly string[]): Record<string, string> {
  return Object.fromEntries(words.map((word) => [word, advice]));
}
