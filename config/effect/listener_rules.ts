/** The rules of a listener that a configuration says. */
import type { Authenticator } from "../../auth/authenticator.ts";
import type { Authorizer } from "../../auth/authorizer.ts";
import type { ControlTopic } from "../../auth/control_topic.ts";
import type { ListenerRules } from "../../broker/base/listener_options.ts";
import type { ProtocolVersion, QoS } from "../../codec/mod.ts";
import { KEY_WORDS } from "../parser/check.ts";
import type { Configuration, ListenerConfiguration, Security } from "../options/configuration.ts";

/** The default prefix of client identifiers that the broker assigns. */
const AUTO_ID_PREFIX = "auto-";

/** The authenticator and authorizer of a listener. */
export interface Deciders {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer | null;
  /** Takes commands; `null` if nothing does. */
  readonly control: ControlTopic | null;
}

/** The rules of a listener's configuration. */
export function rulesOf(
  listener: ListenerConfiguration,
  { global }: Configuration,
  { authenticator, authorizer, control }: Deciders,
): ListenerRules {
  const { settings, security } = listener;
  return {
    name: nameOf(listener),
    authenticator,
    authorizer,
    control,
    lenient: settings.fairway_lenient,
    allowAnonymous: isAnonymousAllowed(listener),
    allowZeroLengthClientId: security.allow_zero_length_clientid,
    autoIdPrefix: settings.listener_auto_id_prefix ?? security.auto_id_prefix ?? AUTO_ID_PREFIX,
    clientIdPrefixes: global.clientid_prefixes === null ? null : [global.clientid_prefixes],
    connectionsMax: settings.max_connections < 0 ? Infinity : settings.max_connections,
    identityAsUsername: settings.use_identity_as_username,
    subjectAsUsername: settings.use_subject_as_username,
    usernameAsClientId: settings.use_username_as_clientid,
    maximumQoS: settings.max_qos as QoS,
    mountPoint: settings.mount_point ?? "",
    queueQoS0: global.queue_qos0_messages,
    upgradeOutgoingQoS: global.upgrade_outgoing_qos,
    payloadBytesMax: global.message_size_limit || Infinity,
    protocolVersions: versionsOf(settings.accept_protocol_versions),
    refuseControlCharacters: settings.fairway_refuse_control_characters,
    topicAliasMax: settings.max_topic_alias,
  };
}

/** The name of a listener: its address in the configuration. */
export function nameOf({ port, host, path }: ListenerConfiguration): string {
  if (path !== null) return path;
  return host === null ? `${port}` : `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Whether clients may connect without a user name. */
export function isAnonymousAllowed({ settings, security }: ListenerConfiguration): boolean {
  return settings.listener_allow_anonymous ?? security.allow_anonymous;
}

/** A phrase that says who may connect to a listener. */
export function whoMayConnect(listener: ListenerConfiguration): string {
  const { settings, security } = listener;
  const ways: string[] = [];
  if (settings.use_identity_as_username || settings.use_subject_as_username) {
    ways.push("clients with a certificate");
  } else {
    ways.push(...accountsOf(security));
    if (isAnonymousAllowed(listener)) {
      ways.push(ways.length === 0 ? "anyone" : "anyone without a user name");
    }
  }
  const who = ways.length === 0 ? "nobody" : ways.join(", and ");
  if (!settings.require_certificate || settings.use_identity_as_username) return who;
  return settings.use_subject_as_username ? who : `${who}, with a certificate`;
}

function accountsOf(security: Security): string[] {
  const hasTokens = KEY_WORDS.some((word) => security[word] !== null);
  return [
    ...security.password_file === null ? [] : ["users of the password file"],
    ...security.fairway_scram_file === null ? [] : ["users of the SCRAM file"],
    ...security.fairway_dynamic_security_file === null ? [] : ["accounts of dynamic security"],
    ...hasTokens ? ["clients with a token"] : [],
    ...security.fairway_http_auth_url === null ? [] : ["users of the HTTP service"],
  ];
}

function versionsOf(words: readonly string[] | null): ProtocolVersion[] {
  return (words ?? ["3", "4", "5"]).map((word) => Number(word) as ProtocolVersion);
}
