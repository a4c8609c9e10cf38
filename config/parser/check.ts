/** Finds options of a configuration that contradict each other. */
import { burstFaults } from "../../broker/base/check_limits.ts";
import { DEFAULT_LIMITS } from "../../broker/base/limits.ts";
import { checkBridges } from "./check_bridges.ts";
import { checkStreams } from "./check_streams.ts";
import { checkWorkers } from "./check_workers.ts";
import type { Configuration, ListenerConfiguration } from "../options/configuration.ts";
import type { Remark } from "../errors/errors.ts";
import {
  limitWord,
  type ListenerValues,
  SECURITY_OPTIONS,
  type SecurityValues,
} from "../options/options.ts";

/** Options that require TLS. */
const TLS_WORDS = [
  "cafile",
  "capath",
  "crlfile",
  "require_certificate",
  "tls_version",
  "use_identity_as_username",
  "use_subject_as_username",
] as const;

/** Options for the keys that tokens are verified with. */
export const KEY_WORDS = [
  "fairway_jwt_secret_file",
  "fairway_jwt_key_file",
  "fairway_jwt_jwks_file",
  "fairway_jwt_jwks_url",
] as const;
/** Options for URLs of services. */
const NATIVE_WORDS = [
  "fairway_native_backlog",
  "fairway_native_reuse_port",
  "fairway_native_user_timeout_ms",
] as const;
const URL_WORDS = ["fairway_http_auth_url", "fairway_http_acl_url"] as const;
/** Options that define accounts. */
const ACCOUNT_WORDS = [
  "password_file",
  "fairway_scram_file",
  "fairway_dynamic_security_file",
  "fairway_http_auth_url",
  ...KEY_WORDS,
] as const;

/** Options that define what accounts may do. */
const RULE_WORDS = ["acl_file", "fairway_dynamic_security_file", "fairway_http_acl_url"] as const;

/** Reports a fault of an option, or of a listener as a whole. */
type Complain = (word: keyof ListenerValues | "listener", text: string) => void;

/** Finds options that contradict each other, though each value is valid. */
export function checkConfiguration(
  configuration: Configuration,
  problems: Remark[],
  notes: Remark[],
): void {
  for (const listener of configuration.listeners) {
    const complain: Complain = (word, text) => {
      problems.push({ place: listener.places.get(word) ?? listener.place, word, text });
    };
    checkTls(listener.settings, complain);
    checkTransport(listener, complain);
    checkAdmin(listener, complain);
    checkSecurity(configuration, listener, problems);
    if (listener.settings.protocol === "http_api" || maySomeoneConnect(listener)) continue;
    const text = "nobody may connect: there are no accounts, such as a password_file, " +
      "and allow_anonymous is false";
    notes.push({ place: listener.place, word: "listener", text });
  }
  checkStreams(configuration, problems, notes);
  checkBridges(configuration, problems, notes);
  for (const { burst, rate, text } of burstFaults({ ...DEFAULT_LIMITS, ...configuration.limits })) {
    const place = configuration.places.get(limitWord(burst)) ??
      configuration.places.get(limitWord(rate))!;
    problems.push({ place, word: limitWord(burst), text: text.replaceAll(rate, limitWord(rate)) });
  }
  checkAccountFile(configuration, problems);
  checkNative(configuration, notes);
  checkWorkers(configuration, problems);
  const { persistence, persistence_location, fairway_data_dir } = configuration.global;
  if (!persistence && fairway_data_dir !== null) {
    const place = configuration.places.get("fairway_data_dir")!;
    problems.push({ place, word: "fairway_data_dir", text: "needs persistence true beside it" });
  }
  if (!persistence || persistence_location !== null || fairway_data_dir !== null) return;
  const place = configuration.places.get("persistence")!;
  const text = "without a persistence_location, what survives is kept in the current folder";
  notes.push({ place, word: "persistence", text });
}

/** There is one set of accounts, so there can be one file to begin with. */
function checkAccountFile({ listeners, places }: Configuration, problems: Remark[]): void {
  const word = "fairway_dynamic_security_file";
  const given = listeners.filter(({ security }) => security[word] !== null);
  const other = given.find(({ security }) => security[word] !== given[0]!.security[word]);
  if (other === undefined) return;
  const place = other.places.get(word) ?? places.get(word) ?? other.place;
  const text = `all listeners have the same accounts: give it ${given[0]!.security[word]} as well`;
  problems.push({ place, word, text });
}

/** Options of native sockets are for native sockets. */
function checkNative({ global, places }: Configuration, notes: Remark[]): void {
  if (global.fairway_native_sockets) return;
  for (const word of NATIVE_WORDS) {
    const value = global[word];
    if (value === null || value === false) continue;
    const text = "it has no effect without fairway_native_sockets true";
    notes.push({ place: places.get(word)!, word, text });
  }
}

/** A listener that is meant to be encrypted must never be opened without TLS. */
function checkTls(settings: ListenerValues, complain: Complain): void {
  const { certfile, keyfile } = settings;
  if (certfile !== null && keyfile === null) complain("certfile", "needs a keyfile beside it");
  if (keyfile !== null && certfile === null) complain("keyfile", "needs a certfile beside it");
  if (certfile === null && keyfile === null) {
    const word = TLS_WORDS.find((word) => settings[word] !== null && settings[word] !== false);
    if (word !== undefined) {
      complain(word, "the listener would not be encrypted: give it a certfile and a keyfile");
    }
  }
  if (settings.cafile === null && settings.capath === null) {
    const text = "needs a cafile or a capath to check certificates with";
    if (settings.require_certificate) complain("require_certificate", text);
    else if (settings.crlfile !== null) complain("crlfile", text);
  }
  if (settings.use_identity_as_username && settings.use_subject_as_username) {
    complain("use_subject_as_username", "leave it out, or use_identity_as_username");
  }
}

function checkTransport({ settings, path }: ListenerConfiguration, complain: Complain): void {
  if (path !== null) {
    const text = "is not for a Unix socket: leave it out";
    if (settings.protocol !== "mqtt") complain("protocol", text);
    if (settings.bind_interface !== null) complain("bind_interface", text);
    if (settings.socket_domain !== null) complain("socket_domain", text);
    if (settings.certfile !== null) complain("certfile", text);
  } else if (settings.fairway_socket_mode !== null) {
    complain("fairway_socket_mode", "is for a Unix socket only: listener 0 PATH");
  }
  if (path !== null && settings.fairway_proxy_from.length > 0) {
    complain("fairway_proxy_from", "is not for a Unix socket: leave it out");
  }
  if (settings.fairway_proxy_others !== "refuse" && settings.fairway_proxy_from.length === 0) {
    complain("fairway_proxy_others", "needs fairway_proxy_from beside it");
  }
  if (settings.protocol === "websockets") return;
  const text = "is for protocol websockets only";
  if (settings.fairway_websockets_path !== null) complain("fairway_websockets_path", text);
  if (settings.websockets_origin.length > 0) complain("websockets_origin", text);
  if (settings.fairway_forwarded_for_from.length > 0) {
    complain("fairway_forwarded_for_from", text);
  }
}

/** An admin listener must never be open to other machines without any way to tell who they are. */
function checkAdmin({ settings, security, host }: ListenerConfiguration, complain: Complain): void {
  const { fairway_admin_tokens: tokens, fairway_admin_allow_anonymous: isOpen } = settings;
  if (settings.protocol !== "http_api") {
    const text = "is for protocol http_api only";
    if (settings.http_dir !== null) complain("http_dir", text);
    if (tokens !== null) complain("fairway_admin_tokens", text);
    if (isOpen) complain("fairway_admin_allow_anonymous", text);
    if (settings.fairway_admin_host.length > 0) complain("fairway_admin_host", text);
    return;
  }
  if (settings.fairway_proxy_from.length > 0) {
    complain("fairway_proxy_from", "is not for protocol http_api: leave it out");
  }
  const hasAccounts = ACCOUNT_WORDS.some((word) => security[word] !== null);
  const hasRules = RULE_WORDS.some((word) => security[word] !== null);
  const isLocal = host === "localhost" || host === "::1" || /^127(\.\d+){3}$/.test(host ?? "");
  if (isLocal || isOpen || tokens !== null || (hasAccounts && hasRules)) return;
  complain(
    "protocol",
    "http_api would be open to other machines: give it fairway_admin_tokens FILE, or accounts and " +
      "an acl_file, or write listener 9883 127.0.0.1",
  );
}

/** Options of an authentication method need the option that enables it. */
function checkSecurity(
  { places }: Configuration,
  listener: ListenerConfiguration,
  problems: Remark[],
): void {
  const placeOf = (word: string) => listener.places.get(word) ?? places.get(word);
  const add = (word: string, text: string) => {
    const place = placeOf(word)!;
    const isKnown = problems.some((known) => known.place === place && known.word === word);
    if (!isKnown) problems.push({ place, word, text });
  };
  const given = Object.entries(listener.security).flatMap(([word, value]) => {
    const { initial } = SECURITY_OPTIONS[word as keyof SecurityValues];
    return placeOf(word) === undefined || value === initial ? [] : [word];
  });
  const [key, second] = KEY_WORDS.filter((word) => listener.security[word] !== null);
  if (second !== undefined) add(second, `is one too many: there is ${key}`);
  const hasUrl = URL_WORDS.some((word) => listener.security[word] !== null);
  for (const word of given) {
    if (word.startsWith("fairway_jwt_") && key === undefined) {
      add(word, `needs one of ${KEY_WORDS.join(", ")}`);
    }
    if (word.startsWith("fairway_http_") && !hasUrl) add(word, `needs ${URL_WORDS.join(" or ")}`);
  }
}

function maySomeoneConnect({ settings, security }: ListenerConfiguration): boolean {
  const isAnonymousAllowed = settings.listener_allow_anonymous ?? security.allow_anonymous;
  if (isAnonymousAllowed || ACCOUNT_WORDS.some((word) => security[word] !== null)) return true;
  return settings.use_identity_as_username || settings.use_subject_as_username;
}
