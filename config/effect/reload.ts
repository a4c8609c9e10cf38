/** What a reload does about each changed option. */
import type { Configuration, ListenerConfiguration } from "../options/configuration.ts";
import { nameOf } from "./listener_rules.ts";
import type { Remark } from "../errors/errors.ts";
import { GLOBAL_OPTIONS, type GlobalValues, type ListenerValues } from "../options/options.ts";

/** The effect of a reload on changed options of the whole broker. */
export const GLOBAL_RELOAD: Record<keyof GlobalValues, "applied" | "needs a restart"> = {
  per_listener_settings: "applied",
  connection_messages: "applied",
  log_dest: "applied",
  log_timestamp: "applied",
  log_timestamp_format: "applied",
  log_type: "applied",
  log_facility: "applied",
  fairway_log_format: "applied",
  fairway_presence: "applied",
  fairway_delayed: "needs a restart",
  fairway_retain_expiry: "needs a restart",
  pid_file: "needs a restart",
  // A configuration that names another user than that of the process is refused.
  user: "applied",
  sys_interval: "applied",
  persistence: "needs a restart",
  persistence_location: "needs a restart",
  persistent_client_expiration: "applied",
  queue_qos0_messages: "applied",
  upgrade_outgoing_qos: "applied",
  retain_available: "needs a restart",
  // It has no effect.
  set_tcp_nodelay: "applied",
  max_inflight_messages: "applied",
  max_queued_messages: "applied",
  max_queued_bytes: "applied",
  max_packet_size: "applied",
  message_size_limit: "applied",
  clientid_prefixes: "applied",
  memory_limit: "applied",
  max_keepalive: "applied",
  global_max_connections: "applied",
  global_max_clients: "applied",
  fairway_data_dir: "needs a restart",
  fairway_strict_store: "needs a restart",
  fairway_overflow: "needs a restart",
  fairway_native_sockets: "needs a restart",
  fairway_native_backlog: "needs a restart",
  fairway_native_reuse_port: "needs a restart",
  fairway_native_user_timeout_ms: "needs a restart",
  fairway_workers: "needs a restart",
};

/** The effect of a reload on changed options of a listener. */
export const LISTENER_RELOAD: Record<keyof ListenerValues, "applied" | "opened anew"> = {
  protocol: "opened anew",
  http_dir: "opened anew",
  fairway_admin_tokens: "applied",
  fairway_admin_allow_anonymous: "applied",
  fairway_admin_host: "opened anew",
  bind_interface: "opened anew",
  socket_domain: "opened anew",
  max_connections: "applied",
  max_qos: "applied",
  max_topic_alias: "applied",
  mount_point: "applied",
  accept_protocol_versions: "applied",
  listener_allow_anonymous: "applied",
  listener_auto_id_prefix: "applied",
  use_identity_as_username: "applied",
  use_subject_as_username: "applied",
  use_username_as_clientid: "applied",
  cafile: "applied",
  capath: "applied",
  // A new certificate is applied. Whether there is one decides about TLS.
  certfile: "applied",
  keyfile: "applied",
  require_certificate: "applied",
  crlfile: "applied",
  tls_version: "applied",
  websockets_origin: "opened anew",
  fairway_forwarded_for_from: "opened anew",
  fairway_lenient: "applied",
  fairway_proxy_from: "opened anew",
  fairway_proxy_others: "opened anew",
  fairway_refuse_control_characters: "applied",
  fairway_socket_mode: "opened anew",
  fairway_websockets_path: "opened anew",
};

/** Whether a listener can stay open when its configuration changes. */
export function isSameBinding(one: ListenerConfiguration, other: ListenerConfiguration): boolean {
  return bindingOf(one) === bindingOf(other);
}

/**
 * Whether two listeners cannot be open at the same time, because they have the same port or path.
 */
export function areAtOnePlace(one: ListenerConfiguration, other: ListenerConfiguration): boolean {
  if (one.path !== null || other.path !== null) return one.path === other.path;
  return one.port !== 0 && one.port === other.port;
}

function bindingOf(listener: ListenerConfiguration): string {
  const names = Object.keys(LISTENER_RELOAD) as (keyof ListenerValues)[];
  const values = names
    .filter((name) => LISTENER_RELOAD[name] === "opened anew")
    .map((name) => listener.settings[name]);
  return JSON.stringify([nameOf(listener), listener.settings.certfile !== null, ...values]);
}

/**
 * Finds the changed options that a running broker cannot apply, and their places.
 *
 * @param running The configuration that the broker was started with.
 */
export function needsRestart(running: Configuration, next: Configuration): Remark[] {
  const remarks: Remark[] = [];
  for (const word of Object.keys(GLOBAL_OPTIONS) as (keyof GlobalValues)[]) {
    const isSame = JSON.stringify(running.global[word]) === JSON.stringify(next.global[word]);
    if (GLOBAL_RELOAD[word] === "applied" || isSame) continue;
    const place = next.places.get(word);
    if (place !== undefined) {
      remarks.push({ place, word, text: "needs a restart: until then it is as before" });
      continue;
    }
    // The option was removed, so its old place is the only one to name.
    const was = running.places.get(word)!;
    remarks.push({ place: was, word, text: "was taken out, which needs a restart" });
  }
  return remarks;
}
